import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { filterArchitecture } from "../../src/os/seccomp/filter.ts";
import { syscallNumbers } from "../../src/os/seccomp/syscalls.ts";

/**
 * Makes system calls in a cage and prints the kernel's answers. In Perl, because every Debian has it and it can make
 * any call.
 */

const PROBE = String.raw`
use Socket;
sub said { my $r = shift; return defined $r && $r ne "-1" && $r ne "" ? "open" : $! + 0; }
for my $family (1 .. 50) { my $r = socket(my $s, $family, SOCK_DGRAM, 0); print "socket $family ", said($r), "\n"; }
for my $protocol (0 .. 22) { my $r = socket(my $s, 16, SOCK_RAW, $protocol); print "netlink $protocol ", said($r), "\n"; }
for my $family (1, 2, 16, 30, 40) { my $r = socketpair(my $a, my $b, $family, SOCK_STREAM, 0); print "socketpair $family ", said($r), "\n"; }
while (@ARGV) {
  my ($name, $number, @args) = split /,/, shift @ARGV;
  my $r = syscall($number, map { $_ + 0 } @args, (0) x (6 - @args));
  print "$name ", said($r), "\n";
}
open my $status, "<", "/proc/self/status"; while (<$status>) { print "filters $1\n" if /^Seccomp_filters:\s*(\d+)/; }
`;

/** Calls with arguments that the kernel would accept, or refuse for another reason than the filter's. */
const CALLS: readonly [name: string, args: readonly number[], answer: string][] = [
  ["io_uring_setup", [1, 0], "38"],
  ["io_setup", [1, 0], "38"],
  ["add_key", [0, 0, 0, 0, 0], "38"],
  ["request_key", [0, 0, 0, 0], "38"],
  ["keyctl", [0, -2, 0], "38"],
  ["clone3", [0, 0], "38"],
  ["mbind", [0, 0, 0], "38"],
  ["bpf", [0, 0, 0], "1"],
  ["perf_event_open", [0, 0, -1, -1, 0], "1"],
  ["userfaultfd", [1], "1"],
  ["fanotify_init", [0, 0], "1"],
  ["pidfd_getfd", [-1, 0, 0], "1"],
  ["name_to_handle_at", [0, 0, 0, 0, 0], "1"],
  ["syslog", [10, 0, 0], "1"],
  ["adjtimex", [0], "1"],
  ["move_mount", [-1, 0, -1, 0, 0], "1"],
  ["fsconfig", [-1, 0, 0, 0, 0], "1"],
  ["setns", [-1, 0], "1"],
  ["unshare", [0x10000000], "1"],
  ["clone", [0x10000011, 0, 0, 0, 0], "1"],
  ["personality", [8], "1"],
  ["ioctl", [0, 0x5412, 0], "1"],
  ["ioctl", [0, 0x5423, 0], "1"],
  ["openat2", [-1, 0, 0, 0], "38"],
  ["fchmod", [-1, 0o4755], "1"],
  ["fchmodat", [-1, 0, 0o4755], "1"],
  ["mknodat", [-1, 0, 0o104755, 0], "1"],
  ["openat", [-1, 0, 0o101, 0o4755], "1"],
  ["openat", [-1, 0, 0o101, 0o2755], "1"],
  // Calls that programs need: the filter answers none of these.
  ["getpid", [], "open"],
  ["personality", [0xffffffff], "open"],
  ["unshare", [0x600], "open"],
  ["fchmod", [-1, 0o2755], "9"],
];

/** The lines that the probe prints inside a cage of any kind. */
export function probeAnswers(): string[] {
  const families = Array.from({ length: 50 }, (_, index) => index + 1).map(
    (family) => `socket ${family} ${[1, 2, 10, 16].includes(family) ? "open" : "97"}`,
  );
  const protocols = Array.from({ length: 23 }, (_, protocol) => `netlink ${protocol} ${protocol === 0 ? "open" : "93"}`);
  const pairs = [1, 2, 16, 30, 40].map((family) => `socketpair ${family} ${family === 1 ? "open" : "97"}`);
  return [...families, ...protocols, ...pairs, ...CALLS.map(([name, , answer]) => `${name} ${answer}`)];
}

/** The probe's arguments: each call with its number on this architecture. */
function callArguments(): string {
  const architecture = filterArchitecture();
  if (architecture === undefined) throw new Error("no cage can be built on this architecture");
  const numbers = syscallNumbers(architecture);
  return CALLS.map(([name, args]) => [name, numbers.get(name), ...args].join(",")).join(" ");
}

/** Programs that make one call of another architecture and then end with 0, or with the signal that ends them. */
const FOREIGN: Record<string, Record<string, string>> = {
  x64: {
    // mov eax, 20 (getpid); int 0x80; xor edi, edi; mov eax, 60 (exit); syscall
    i386: "b814000000cd8031ffb83c0000000f05",
    // mov eax, 0x40000000 + 39 (getpid); syscall; xor edi, edi; mov eax, 60 (exit); syscall
    x32: "b8270000400f0531ffb83c0000000f05",
  },
  // Programs of 32-bit arm are separate files, which most arm64 machines cannot even load.
  arm64: {},
};

/** The address of a program with its headers in memory, and the size of the headers. Bytes. */
const BASE = 0x400000;
const HEADERS = 120;

/** The smallest file that the kernel runs: one ELF header, one program header, the code. */
function elf(code: Buffer): Buffer {
  const file = Buffer.alloc(HEADERS);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(62, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(BASE + HEADERS), 24);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64);
  file.writeUInt32LE(5, 68);
  file.writeBigUInt64LE(BigInt(BASE), 80);
  file.writeBigUInt64LE(BigInt(BASE), 88);
  file.writeBigUInt64LE(BigInt(HEADERS + code.length), 96);
  file.writeBigUInt64LE(BigInt(HEADERS + code.length), 104);
  file.writeBigUInt64LE(0x1000n, 112);
  return Buffer.concat([file, code]);
}

/** Writes the probe and the foreign programs to a folder. */
export function writeProbe(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "probe.pl"), PROBE);
  for (const [name, code] of Object.entries(FOREIGN[process.arch] ?? {}))
    writeFileSync(join(folder, name), elf(Buffer.from(code, "hex")), { mode: 0o755 });
}

/** The shell script that runs all of them from `folder`. */
export function probeScript(folder: string): string {
  const foreign = Object.keys(FOREIGN[process.arch] ?? {}).map((name) => `${folder}/${name}; echo "${name} ended with $?"`);
  return [`perl ${folder}/probe.pl ${callArguments()}`, ...foreign].join("\n");
}

/** What the foreign programs print in a cage: 128 and SIGSYS. */
export function foreignAnswers(): string[] {
  return Object.keys(FOREIGN[process.arch] ?? {}).map((name) => `${name} ended with 159`);
}
