#ifndef WHARFD_SANDBOX_H
#define WHARFD_SANDBOX_H

/*
 * Gives up all that this process may do, but for reading, writing and ending. Where the kernel knows no seccomp(2), or somebody else than
 * root is here, it gives up what it can.
 */
void enter_sandbox(void);

#endif
