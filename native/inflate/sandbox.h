#ifndef WHARFD_SANDBOX_H
#define WHARFD_SANDBOX_H

/* Gives up user, groups and capabilities, where this is root. Before there are threads, which have what it has then. */
void become_nobody(void);

/*
 * Gives up all that this process may do with all its threads, but for reading, writing and ending. Where the kernel knows no seccomp(2), it
 * gives up nothing.
 */
void enter_sandbox(void);

#endif
