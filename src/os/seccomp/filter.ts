import { answer, assemble, load, when, type Program } from "./bpf.ts";
import {
  AF_NETLINK,
  ALLOWED,
  CLONE_NEW,
  CLONE_NEWTIME,
  CREATES,
  FAMILIES,
  MODE_CALLS,
  NETLINK_ROUTE,
  OPEN_CALLS,
  PERSONALITIES,
  REFUSED,
  S_ISGID,
  S_ISUID,
  TERMINAL_REQUESTS,
} from "./policy.ts";
import { syscallNumbers, type Architecture } from "./syscalls.ts";

/** Architectures in `struct seccomp_data` (`linux/audit.h`). */
const AUDIT_ARCH: Record<Architecture, number> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };
/** Offsets in `struct seccomp_data`. Bytes. */
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
/** Offset of the lower half of an argument. The kernel uses at most 32 bits of the arguments that are examined here. */
const argumentAt = (index: number): number => 16 + index * 8;
/** From this number on, calls of x86-64 are calls of x32. */
const FIRST_X32 = 0x4000_0000;
/** The number that a debugger sets to skip a call. */
const LEFT_OUT = 0xffff_ffff;

const EPERM = 1;
const ENOSYS = 38;
const EPROTONOSUPPORT = 93;
const EAFNOSUPPORT = 97;

const allow = answer(0x7fff_0000);
const killProcess = answer(0x8000_0000);
const fail = (errno: number): Program => answer(0x0005_0000 | errno);

/** The architecture of this host's filter; undefined if there is none. */
export function filterArchitecture(architecture: string = process.arch): Architecture | undefined {
  return architecture === "x64" || architecture === "arm64" ? architecture : undefined;
}

/** How cages differ. */
export interface FilterOptions {
  /** Set-group-ID bits are also refused: files of the cage belong to a person's group on the host. */
  noSetgid?: boolean;
}

/** The filter of a cage on this host, as bubblewrap takes it. Throws an Error for the operator if there is none. */
export function seccompFilter(options: FilterOptions = {}, architecture: string = process.arch): Buffer {
  const known = filterArchitecture(architecture);
  if (known === undefined) throw new Error(noFilter(architecture));
  return assemble(filterProgram(known, options));
}

/** Why this architecture has no cages, and what to do. */
export function noFilter(architecture: string = process.arch): string {
  return `cages have a system-call filter for x64 and arm64, none for ${architecture}: run the hive with a 64-bit Node on x86-64 or arm64`;
}

/** The filter program. A call of another architecture, including i386 and x32, kills the process. */
export function filterProgram(architecture: Architecture, options: FilterOptions = {}): Program {
  const known = decide(verdicts(architecture, options));
  const native = architecture === "x64" ? when("atLeast", FIRST_X32, killProcess, known) : known;
  const numbered = load(NUMBER_AT, when("equal", LEFT_OUT, fail(ENOSYS), native));
  return load(ARCHITECTURE_AT, when("equal", AUDIT_ARCH[architecture], numbered, killProcess));
}

/** The answer from this number on. */
interface Range {
  first: number;
  answer: Program;
}

/** The answers for all numbers from 0 on; neighbours with the same answer are merged. */
function verdicts(architecture: Architecture, options: FilterOptions): Range[] {
  const numbers = syscallNumbers(architecture);
  const unknown = fail(ENOSYS);
  const byNumber = new Map<number, Program>();
  const set = (names: readonly string[], then: Program): void => {
    for (const name of names) {
      const number = numbers.get(name);
      if (number !== undefined) byNumber.set(number, then);
    }
  };
  set(ALLOWED, allow);
  set(REFUSED, fail(EPERM));
  for (const [name, then] of Object.entries(examined(options))) set([name], then);

  const ranges: Range[] = [];
  const end = [...byNumber.keys()].reduce((most, number) => Math.max(most, number)) + 1;
  for (let number = 0; number <= end; number++) {
    const one = byNumber.get(number) ?? unknown;
    if (ranges.at(-1)?.answer !== one) ranges.push({ first: number, answer: one });
  }
  return ranges;
}

/** A binary search for the loaded number, so that each call costs only a few comparisons. */
function decide(ranges: readonly Range[]): Program {
  const half = ranges.length >> 1;
  const [only, middle] = [ranges[0], ranges[half]];
  if (only === undefined || middle === undefined) throw new Error("a filter without a single answer");
  if (half === 0) return only.answer;
  return when("atLeast", middle.first, decide(ranges.slice(half)), decide(ranges.slice(0, half)));
}

/** Allows if the loaded word is one of these. */
function oneOf(words: readonly number[], otherwise: Program): Program {
  return words.reduce((no, word) => when("equal", word, allow, no), otherwise);
}

const netlink = load(argumentAt(2), when("equal", NETLINK_ROUTE, allow, fail(EPROTONOSUPPORT)));

/** Calls whose arguments decide. None of these arguments is a pointer: its target could change after the check. */
const EXAMINED: Readonly<Record<string, Program>> = {
  socket: load(argumentAt(0), oneOf(Object.values(FAMILIES), when("equal", AF_NETLINK, netlink, fail(EAFNOSUPPORT)))),
  socketpair: load(argumentAt(0), oneOf([FAMILIES.AF_UNIX], fail(EAFNOSUPPORT))),
  clone: load(argumentAt(0), when("anyBit", CLONE_NEW, fail(EPERM), allow)),
  unshare: load(argumentAt(0), when("anyBit", CLONE_NEW | CLONE_NEWTIME, fail(EPERM), allow)),
  personality: load(argumentAt(0), oneOf(PERSONALITIES, fail(EPERM))),
  ioctl: load(
    argumentAt(1),
    Object.values(TERMINAL_REQUESTS).reduce<Program>((no, request) => when("equal", request, fail(EPERM), no), allow),
  ),
};

/** Calls whose arguments decide in a cage: those of every cage, and those that set a file's mode. */
export function examined({ noSetgid = false }: FilterOptions = {}): Readonly<Record<string, Program>> {
  const refuseBits = (argument: number, bits: number): Program =>
    load(argumentAt(argument), when("anyBit", bits, fail(EPERM), allow));
  const made = S_ISUID | S_ISGID;
  const byMode = new Map<string, Program>();
  // Set-group-ID is legitimate on directories, and only the kernel knows what is a directory.
  for (const [name, mode] of Object.entries(MODE_CALLS.chmod)) byMode.set(name, refuseBits(mode, noSetgid ? made : S_ISUID));
  for (const [name, mode] of Object.entries(MODE_CALLS.make)) byMode.set(name, refuseBits(mode, made));
  for (const [name, flags] of Object.entries(OPEN_CALLS))
    byMode.set(name, load(argumentAt(flags), when("anyBit", CREATES, refuseBits(flags + 1, made), allow)));
  return { ...EXAMINED, ...Object.fromEntries(byMode) };
}
