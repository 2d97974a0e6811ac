/** The system calls of a program in a cage. Calls on none of these lists fail as nonexistent (ENOSYS). */

/** Calls that are allowed with any arguments. */
export const ALLOWED = `
  read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close close_range
  dup dup2 dup3 fcntl flock pipe pipe2 sendfile splice tee vmsplice copy_file_range
  stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2 readlink readlinkat
  getdents getdents64 getcwd chdir fchdir umask truncate ftruncate fallocate fadvise64 readahead
  rename renameat renameat2 mkdir mkdirat rmdir link linkat unlink unlinkat symlink symlinkat
  chown fchown lchown fchownat utime utimes futimesat utimensat
  sync syncfs fsync fdatasync sync_file_range cachestat file_getattr file_setattr
  setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
  removexattr lremovexattr fremovexattr setxattrat getxattrat listxattrat removexattrat
  inotify_init inotify_init1 inotify_add_watch inotify_rm_watch

  select pselect6 poll ppoll epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
  eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime timerfd_gettime
  connect accept accept4 bind listen shutdown getsockname getpeername setsockopt getsockopt
  sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg

  mmap munmap mremap mprotect madvise process_madvise mincore msync brk mlock mlock2 munlock mlockall munlockall
  membarrier memfd_create mseal map_shadow_stack pkey_mprotect pkey_alloc pkey_free
  shmget shmat shmctl shmdt semget semop semtimedop semctl msgget msgsnd msgrcv msgctl
  mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr
  futex futex_waitv futex_wake futex_wait futex_requeue set_robust_list get_robust_list rseq

  fork vfork execve execveat exit exit_group wait4 waitid kill tkill tgkill pidfd_open pidfd_send_signal
  rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_tgsigqueueinfo
  rt_sigsuspend sigaltstack pause restart_syscall set_tid_address arch_prctl prctl seccomp
  landlock_create_ruleset landlock_add_rule landlock_restrict_self
  ptrace process_vm_readv process_vm_writev kcmp
  getpid getppid gettid getpgid setpgid getpgrp getsid setsid capget capset
  getuid geteuid getgid getegid getresuid getresgid getgroups
  setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups
  getrlimit setrlimit prlimit64 getrusage getpriority setpriority ioprio_get ioprio_set
  sched_yield sched_setparam sched_getparam sched_setscheduler sched_getscheduler sched_get_priority_max
  sched_get_priority_min sched_rr_get_interval sched_setaffinity sched_getaffinity sched_setattr sched_getattr

  time gettimeofday clock_gettime clock_getres nanosleep clock_nanosleep getitimer setitimer alarm times
  timer_create timer_settime timer_gettime timer_getoverrun timer_delete getcpu getrandom uname sysinfo
`
  .trim()
  .split(/\s+/);

/**
 * Calls for administrators, and calls that reach far into the kernel. They fail with EPERM, as programs expect on a
 * machine on which they are not root.
 */
export const REFUSED = `
  mount umount2 pivot_root chroot setns open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick mount_setattr
  bpf perf_event_open userfaultfd fanotify_init fanotify_mark lookup_dcookie name_to_handle_at open_by_handle_at
  init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct quotactl quotactl_fd
  settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname syslog vhangup iopl ioperm modify_ldt
  pidfd_getfd
`
  .trim()
  .split(/\s+/);

/** Socket families that may be opened. AF_NETLINK is the fourth, for one protocol. */
export const FAMILIES = { AF_UNIX: 1, AF_INET: 2, AF_INET6: 10 } as const;
export const AF_NETLINK = 16;
/** The protocol through which glibc and Node list network devices. */
export const NETLINK_ROUTE = 0;

/**
 * Flags with which `clone` and `unshare` create namespaces. `CLONE_NEWTIME` shares a bit with the signal of `clone`.
 */
export const CLONE_NEW = 0x7e02_0000;
export const CLONE_NEWTIME = 0x80;

/** `personality`: plain Linux, Linux without address randomisation (gdb), and the query for the current one. */
export const PERSONALITIES = [0, 0x004_0000, 0xffff_ffff] as const;

/** Mode bits that make a program run as the owner or the group of its file. */
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
/**
 * Flags with which `open` creates a file; only then does it take a mode. `O_TMPFILE` without the bit of `O_DIRECTORY`.
 */
export const CREATES = 0o100 | 0o20_000_000;
/** Calls that set a file's mode, with the index of the mode argument. */
export const MODE_CALLS = {
  chmod: { chmod: 1, fchmod: 1, fchmodat: 2, fchmodat2: 2 },
  make: { creat: 1, mknod: 1, mknodat: 2 },
} as const;
/** Calls that open or create a file, with the index of the flags; the mode is the next argument. */
export const OPEN_CALLS = { open: 1, openat: 2 } as const;

/** Terminal requests that inject input for another program, or load a line discipline into the kernel. */
export const TERMINAL_REQUESTS = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c, TIOCSETD: 0x5423 } as const;
