/** What a program in a cage may ask of the kernel. Whatever is on none of these lists does not exist there (ENOSYS). */

/** The calls that pass whatever their arguments are. */
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
 * The calls that the kernel keeps for administrators, or that reach far into it. They fail with EPERM: the answer that
 * programs know from a machine on which they are not root.
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
/** What glibc and Node list the network devices by. */
export const NETLINK_ROUTE = 0;

/** Flags by which `clone` and `unshare` make namespaces. `CLONE_NEWTIME` shares a bit with the signal of `clone`. */
export const CLONE_NEW = 0x7e02_0000;
export const CLONE_NEWTIME = 0x80;

/** `personality`: Linux as it is, without random addresses (gdb), and the question which one is set. */
export const PERSONALITIES = [0, 0x004_0000, 0xffff_ffff] as const;

/** Bits of a mode that make a program run as the owner, or as the group, of its file. */
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
/** Flags by which `open` makes a file: only then does it have a mode. `O_TMPFILE` without the bit of `O_DIRECTORY`. */
export const CREATES = 0o100 | 0o20_000_000;
/** The calls that give a file its mode, and which of their arguments that is. */
export const MODE_CALLS = {
  chmod: { chmod: 1, fchmod: 1, fchmodat: 2, fchmodat2: 2 },
  make: { creat: 1, mknod: 1, mknodat: 2 },
} as const;
/** The calls that open a file or make one, and where their flags are; the mode comes next. */
export const OPEN_CALLS = { open: 1, openat: 2 } as const;

/** Requests to a terminal that type into it for somebody else, or load a line discipline into the kernel. */
export const TERMINAL_REQUESTS = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c, TIOCSETD: 0x5423 } as const;
