/* The socket for `--console-socket`: the runtime connects and passes the master of the process's terminal. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stddef.h>

/* Listens in the directory `dir` (which is the current one); the path by which the runtime reaches it goes to `path`. -1 with errno. */
int console_listen(int dir, char *path, size_t size);

/* Takes the terminal's master from whoever connected, and closes the listener. -1: nothing came. */
int console_receive(int listener);

#endif
