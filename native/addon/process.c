#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* linux/pidfd.h as of Linux 6.15, its first published size; headers of Debian 12 are older. */
struct pidfd_info_v0 {
  uint64_t mask;
  uint64_t cgroup;
  uint32_t pid, tgid, ppid, ids[8];
  int32_t exit_code;
};

#define PIDFD_GET_INFO_V0 _IOWR(0xff, 11, struct pidfd_info_v0)
#define PIDFD_INFO_EXIT_BIT (UINT64_C(1) << 3)

int wh_pidfd_open(pid_t pid) { return (int)wh_result(syscall(SYS_pidfd_open, pid, 0)); }

int wh_pidfd_signal(int pidfd, int signal) {
  return (int)wh_result(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

int wh_pidfd_exit_status(int pidfd) {
  struct pidfd_info_v0 info = {.mask = PIDFD_INFO_EXIT_BIT};
  _Static_assert(sizeof info == 64, "the first published size");
  if (ioctl(pidfd, PIDFD_GET_INFO_V0, &info) < 0) return -errno;
  return (info.mask & PIDFD_INFO_EXIT_BIT) ? info.exit_code : -EAGAIN;
}

int wh_reap(pid_t pid) {
  siginfo_t info = {.si_pid = 0};
  int got;
  do got = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG);
  while (got < 0 && errno == EINTR);
  if (got < 0) return -errno;
  if (info.si_pid == 0) return -EAGAIN;
  if (info.si_code == CLD_EXITED) return (info.si_status & 0xff) << 8;
  return (info.si_status & 0x7f) | (info.si_code == CLD_DUMPED ? 0x80 : 0);
}

int wh_seal_descriptors(void) { return (int)wh_result(close_range(3, ~0u, CLOSE_RANGE_CLOEXEC)); }

int wh_become_subreaper(void) { return (int)wh_result(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)); }
