/**
 * System calls that an ordinary program needs and that do not reach beyond its container, by what they are for. Names are those of
 * libseccomp, over all architectures; a runtime skips those that its libseccomp does not know. Left out on purpose: mounting and
 * namespaces, modules, reboot, swap, clocks, raw I/O ports, keyrings, bpf, perf, userfaultfd, io_uring.
 */
export const ALLOWED_CALLS: Readonly<Record<string, string>> = {
  files:
    'access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64 ' +
    'fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync flock ' +
    'fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 inotify_add_watch ' +
    'inotify_init inotify_init1 inotify_rm_watch ioctl lchown lchown32 link linkat _llseek lseek lstat lstat64 mkdir mkdirat mknod ' +
    'mknodat name_to_handle_at newfstatat open openat openat2 readlink readlinkat rename renameat renameat2 rmdir stat stat64 statfs ' +
    'statfs64 statx symlink symlinkat sync sync_file_range syncfs truncate truncate64 umask unlink unlinkat utime utimensat ' +
    'utimensat_time64 utimes listmount statmount',
  attributes:
    'fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr lremovexattr ' +
    'lsetxattr removexattr removexattrat setxattr setxattrat',
  transfer:
    'pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readv sendfile sendfile64 splice tee vmsplice write ' +
    'writev io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit',
  waiting:
    'epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 ' +
    '_newselect pause poll ppoll ppoll_time64 pselect6 pselect6_time64 select signalfd signalfd4',
  sockets:
    'accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 recvmsg send ' +
    'sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair',
  memory:
    'brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect ' +
    'mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages',
  threads:
    'futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list get_thread_area rseq set_robust_list ' +
    'set_thread_area set_tid_address',
  processes:
    'capget capset execve execveat exit exit_group fork getcpu getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups ' +
    'getgroups32 getpgid getpgrp getpid getppid getpriority getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid ' +
    'gettid getuid getuid32 ioprio_get ioprio_set kill pidfd_open pidfd_send_signal prctl prlimit64 setfsgid setfsgid32 setfsuid ' +
    'setfsuid32 setgid setgid32 setgroups setgroups32 setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid ' +
    'setresuid32 setreuid setreuid32 setrlimit setsid setuid setuid32 tgkill tkill ugetrlimit uname vfork wait4 waitid waitpid',
  signals:
    'restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait ' +
    'rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn',
  scheduling:
    'sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler ' +
    'sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield',
  time:
    'adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep ' +
    'clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun timer_gettime ' +
    'timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime ' +
    'timerfd_settime64 times',
  messages:
    'ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl ' +
    'msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget',
  confinement:
    'landlock_add_rule landlock_create_ruleset landlock_restrict_self lsm_get_self_attr lsm_list_modules lsm_set_self_attr seccomp',
  system: 'getrandom sysinfo uretprobe',
  debugging: 'process_vm_readv process_vm_writev ptrace',
};

/** What one architecture has besides. */
export const CALLS_OF_ARCHITECTURE: Readonly<Record<string, string>> = {
  amd64: 'arch_prctl modify_ldt',
  '386': 'modify_ldt',
  arm: 'arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2',
  arm64: 'arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2',
  ppc64le: 'swapcontext sync_file_range2',
  riscv64: 'riscv_flush_icache riscv_hwprobe',
  s390x: 's390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr',
};

/**
 * libseccomp's names of what programs run on an architecture (Go's name of it). Without x32, which hardly any kernel runs: it would
 * cost every start of a container some 10 ms.
 */
export const SECCOMP_ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  amd64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
  '386': ['SCMP_ARCH_X86'],
  arm: ['SCMP_ARCH_ARM'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
  ppc64le: ['SCMP_ARCH_PPC64LE'],
  riscv64: ['SCMP_ARCH_RISCV64'],
  s390x: ['SCMP_ARCH_S390X', 'SCMP_ARCH_S390'],
};
