import { readFileSync } from "node:fs";
import { program, python, shell } from "../inside/run.ts";
import { cageRow, type CageRow } from "../row.ts";

/** What a process in a cage asks of the kernel. */

const FILTER = "the system-call filter";
const PIDS = "a pid namespace of its own";
const NO_RIGHTS = "no capabilities and no new privileges";

const fromCage = cageRow("agent", "kernel");

/** A call by its numbers on x86-64 and arm64, with arguments with which the kernel itself would not answer EPERM. */
const direct = (id: string, attempt: string, refusal: RegExp, body: string): CageRow =>
  fromCage(id, attempt, FILTER, refusal, () => python(body));

/** The victim's pid on the host, as this cage's kernel sees it. */
const onVictim = (id: string, attempt: string, body: string): CageRow =>
  fromCage(id, attempt, PIDS, /ESRCH/, ({ victim }) => python(body.replaceAll("PID", String(victim.pid))));

/** Linux program: `mov eax, 20; int 0x80; xor edi, edi; mov eax, 60; syscall`, the getpid of i386. */
const I386 = "b814000000cd8031ffb83c0000000f05";

export const kernelRows: readonly CageRow[] = [
  onVictim("ptrace", "attach to a process of another cage", "call(101, 117, 16, PID, 0, 0)"),
  onVictim("ptrace-seize", "seize a process of another cage", "call(101, 117, 0x4206, PID, 0, 0)"),
  onVictim(
    "read-memory",
    "read the memory of another cage's process",
    "b = ctypes.create_string_buffer(64)\nv = (ctypes.c_size_t * 2)(ctypes.addressof(b), 64)\ncall(310, 270, PID, ctypes.byref(v), 1, ctypes.byref(v), 1, 0)",
  ),
  onVictim("signal", "signal a process of another cage", "os.kill(PID, 0)"),
  onVictim("pidfd", "open a descriptor of another cage's process", "call(434, 434, PID, 0)"),
  onVictim("kcmp", "compare a process with one of another cage", "call(312, 272, os.getpid(), PID, 0, 0, 0)"),
  onVictim("priority", "set the scheduler of another cage's process", "call(141, 140, 0, PID, 5)"),
  onVictim("rlimit", "read the limits of another cage's process", "call(302, 261, PID, 7, 0, 0)"),
  direct(
    "pidfd-getfd",
    "take a descriptor from a process",
    /EPERM/,
    "p = call(434, 434, os.getpid(), 0)\ncall(438, 438, p, 1, 0)",
  ),
  direct("userns", "create a user namespace", /EPERM/, "call(272, 97, 0x10000000)"),
  direct(
    "namespaces",
    "create a mount, network and pid namespace",
    /EPERM/,
    "call(272, 97, 0x00020000 | 0x40000000 | 0x20000000)",
  ),
  direct(
    "clone3",
    "create a namespace with clone3",
    /ENOSYS/,
    "b = ctypes.create_string_buffer(88)\nb[0:8] = struct.pack('Q', 0x10000000)\ncall(435, 435, ctypes.byref(b), 88)",
  ),
  direct("clone-userns", "clone into a user namespace", /EPERM/, "call(56, 220, 0x10000011, 0, 0, 0, 0)"),
  fromCage("unshare", "create a user namespace with util-linux", FILTER, /Operation not permitted/, () =>
    shell("unshare -Ur true"),
  ),
  direct("setns", "join a namespace", /EPERM/, "f = os.open('/proc/self/ns/net', os.O_RDONLY)\ncall(308, 268, f, 0)"),
  direct("mount", "mount a file system", /EPERM/, "call(165, 40, b'x', b'/tmp', b'tmpfs', 0, 0)"),
  direct("bind-mount", "bind a folder over another", /EPERM/, "call(165, 40, b'/state', b'/usr', 0, 4096, 0)"),
  direct("umount", "unmount what covers a folder", /EPERM/, "call(166, 39, b'/proc', 2)"),
  direct("new-mount-calls", "open a file system with fsopen", /EPERM/, "call(430, 430, b'tmpfs', 0)"),
  direct("open-tree", "clone a mount", /EPERM/, "call(428, 428, -100, b'/', 1)"),
  direct("pivot-root", "change the root of the mount namespace", /EPERM/, "call(155, 41, b'/state', b'/state')"),
  direct("chroot", "change the root folder", /EPERM/, "call(161, 51, b'/state')"),
  fromCage("user", "run as another user than the agent", NO_RIGHTS, /only 1000/, async () => {
    const status = readFileSync("/proc/self/status", "utf8");
    if (/^Uid:(?:\s1000){4}$/m.test(status) && /^Gid:(?:\s1000){4}$/m.test(status)) throw new Error("only 1000");
    return status;
  }),
  fromCage("mknod", "make a device node of the host's memory", NO_RIGHTS, /EPERM/, () =>
    python("os.mknod('/state/mem', 0o20666, os.makedev(1, 1))"),
  ),
  fromCage("mknod-disk", "make a device node of a disk", NO_RIGHTS, /EPERM/, () =>
    python("os.mknod('/tmp/disk', 0o60666, os.makedev(8, 0))"),
  ),
  fromCage("setuid", "become root", NO_RIGHTS, /EPERM|EINVAL/, () => python("os.setuid(0)")),
  fromCage("setgroups", "join the group root", NO_RIGHTS, /EPERM|EINVAL/, () => python("os.setgroups([0])")),
  direct(
    "setuid-file",
    "make a program that runs as the owner of its file",
    /EPERM/,
    "f = os.open('/tmp/suid', os.O_CREAT | os.O_WRONLY, 0o755)\nos.fchmod(f, 0o4755)",
  ),
  fromCage("setuid-program", "run a set-user-ID program", NO_RIGHTS, /no new privileges/, async () => {
    const status = readFileSync("/proc/self/status", "utf8");
    const { stdout } = await program("/bin/sh", ["-c", "find /usr/bin /usr/sbin -perm -4000 2>/dev/null | head -1"]);
    const words = `${stdout.trim() || "no such program"} gets no new privileges`;
    if (/^NoNewPrivs:\s*1$/m.test(status) && /^CapEff:\s*0+$/m.test(status) && /^CapBnd:\s*0+$/m.test(status))
      throw new Error(words);
    return status;
  }),
  direct(
    "tiocsti",
    "type into a terminal of the host",
    /EPERM/,
    "import fcntl\nm, s = os.openpty()\nfcntl.ioctl(s, 0x5412, b'x')",
  ),
  direct(
    "line-discipline",
    "load a line discipline into the kernel",
    /EPERM/,
    "import fcntl\nm, s = os.openpty()\nfcntl.ioctl(s, 0x5423, struct.pack('i', 2))",
  ),
  direct("keyctl", "search the keyrings", /ENOSYS/, "call(250, 219, 0, -3, 0)"),
  direct("add-key", "put a key into the user's keyring", /ENOSYS/, "call(248, 217, b'user', b'x', b'y', 1, -4)"),
  direct("request-key", "make the kernel start a key helper", /ENOSYS/, "call(249, 218, b'user', b'x', b'y', -4)"),
  direct("bpf", "load a program into the kernel", /EPERM/, "call(321, 280, 0, 0, 0)"),
  direct("perf", "watch the processor's counters", /EPERM/, "call(298, 241, 0, -1, 0, -1, 0)"),
  direct("io-uring", "open an io_uring", /ENOSYS/, "b = ctypes.create_string_buffer(256)\ncall(425, 425, 1, ctypes.byref(b))"),
  direct("userfaultfd", "handle page faults in user space", /EPERM/, "call(323, 282, 1)"),
  direct(
    "file-handle",
    "open a file of the host by its handle",
    /EPERM/,
    "b = ctypes.create_string_buffer(256)\ncall(304, 265, 3, ctypes.byref(b), 0)",
  ),
  direct("fanotify", "watch a whole file system", /EPERM/, "call(300, 262, 0, 0)"),
  direct("kexec", "load another kernel", /EPERM/, "call(246, 104, 0, 0, 0, 0)"),
  direct("module", "load a kernel module", /EPERM/, "call(175, 105, b'', 0, b'')"),
  direct("reboot", "restart the machine", /EPERM/, "call(169, 142, 0xfee1dead, 672274793, 0x01234567, 0)"),
  direct("clock", "set the clock", /EPERM/, "call(227, 112, 0, 0)"),
  direct("syslog", "read the kernel's log", /EPERM/, "call(103, 116, 10, 0, 0)"),
  direct("hostname", "rename the machine", /EPERM/, "call(170, 161, b'evil', 4)"),
  direct("personality", "run without address randomisation of the loader", /EPERM/, "call(135, 92, 8)"),
  fromCage("foreign-call", "make a call of another architecture", FILTER, /SIGSYS|no other architecture/, async () => {
    if (process.arch !== "x64") throw new Error("no other architecture can be called here");
    const body = `import mmap\nm = mmap.mmap(-1, 4096, prot=7)\nm.write(bytes.fromhex('${I386}'))\nctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()`;
    return python(body);
  }),
];
