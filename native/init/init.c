// wharfd-init: process 1 of a container with --init. Runs a program as its child, passes signals on to it, reaps what has lost its parent,
// and ends as the child does. usage: wharfd-init PROGRAM [ARGUMENT...]
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127, FAILED = 125 };

static int fail(const char *what, int status) {
  fprintf(stderr, "wharfd-init: %s: %s\n", what, strerror(errno));
  return status;
}

// In the child: a process group of its own, in front of the terminal where there is one.
static int become(char **argv, const sigset_t *before) {
  struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
  setpgid(0, 0);
  // Who is behind the terminal is stopped when he takes it.
  sigaction(SIGTTOU, &ignore, &old);
  tcsetpgrp(STDIN_FILENO, getpgrp());
  sigaction(SIGTTOU, &old, NULL);
  sigprocmask(SIG_SETMASK, before, NULL);
  execvp(argv[0], argv);
  return fail(argv[0], errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

// Reaps all that have ended. True when the child was among them; its status is in *status then.
static int reap(pid_t child, int *status) {
  int ended = 0, raw;
  for (pid_t pid; (pid = waitpid(-1, &raw, WNOHANG)) > 0;) {
    if (pid != child) continue;
    ended = 1;
    *status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
  }
  return ended;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fputs("usage: wharfd-init PROGRAM [ARGUMENT...]\n", stderr);
    return FAILED;
  }
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t child = fork();
  if (child < 0) return fail("fork", FAILED);
  if (child == 0) return become(argv + 1, &before);
  for (int status = 0;;) {
    int signal = sigwaitinfo(&all, NULL);
    if (signal == SIGCHLD) {
      if (reap(child, &status)) return status;
    } else if (signal > 0) {
      // The group, as a terminal would.
      if (kill(-child, signal) != 0) kill(child, signal);
    }
  }
}
