#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_SPAWN_FDS = 64 };

/* Descriptors that lie where others are to go are moved out of their way; *moved of them are ours to close. */
static int move_away(const struct wh_program *program, int fds[], int moved[], size_t *moved_count) {
  for (size_t i = 0; i < program->fd_count; i++) {
    fds[i] = program->fds[i];
    if (fds[i] < 0 || (size_t)fds[i] >= program->fd_count || (size_t)fds[i] == i) continue;
    fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, (int)program->fd_count);
    if (fds[i] < 0) return errno;
    moved[(*moved_count)++] = fds[i];
  }
  return 0;
}

static int add_actions(posix_spawn_file_actions_t *actions, const struct wh_program *program, const int fds[]) {
  int error = posix_spawn_file_actions_addchdir_np(actions, program->directory);
  for (size_t i = 0; !error && i < program->fd_count; i++)
    error = fds[i] < 0 ? posix_spawn_file_actions_addopen(actions, (int)i, "/dev/null", O_RDWR, 0)
                       : posix_spawn_file_actions_adddup2(actions, fds[i], (int)i);
  return error;
}

/* No signal is blocked or ignored, whatever is in us. */
static int set_attributes(posix_spawnattr_t *attributes, int own_session) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  int error = posix_spawnattr_setsigmask(attributes, &none);
  if (!error) error = posix_spawnattr_setsigdefault(attributes, &all);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (short)(own_session ? POSIX_SPAWN_SETSID : 0);
  return error ? error : posix_spawnattr_setflags(attributes, flags);
}

static int spawn_with(const struct wh_program *program, const int fds[], pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int error = posix_spawn_file_actions_init(&actions);
  if (error) return error;
  error = posix_spawnattr_init(&attributes);
  if (!error) {
    error = add_actions(&actions, program, fds);
    if (!error) error = set_attributes(&attributes, program->own_session);
    if (!error) error = posix_spawn(pid, program->path, &actions, &attributes, program->argv, program->envp);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

pid_t wh_spawn(const struct wh_program *program, int *pidfd) {
  int fds[MAX_SPAWN_FDS], moved[MAX_SPAWN_FDS];
  size_t moved_count = 0;
  pid_t pid = -1;
  if (program->fd_count > MAX_SPAWN_FDS) return -EMFILE;
  int error = move_away(program, fds, moved, &moved_count);
  if (!error) error = spawn_with(program, fds, &pid);
  while (moved_count > 0) close(moved[--moved_count]);
  if (error) return -error;
  *pidfd = wh_pidfd_open(pid);
  if (*pidfd >= 0) return pid;
  kill(pid, SIGKILL);
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
  return *pidfd;
}
