import { describe, expect, test } from "vitest";
import type { Program } from "./bpf.ts";
import { examined, filterArchitecture, filterProgram, seccompFilter, type FilterOptions } from "./filter.ts";
import { ALLOWED, REFUSED } from "./policy.ts";
import { syscallNumbers, type Architecture } from "./syscalls.ts";

/** The filter as the kernel runs it: every answer for every number, on both architectures. */

const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7, i386: 0x40000003, arm: 0x40000028, bigEndianArm64: 0x800000b7 };
const BOTH: Architecture[] = ["x64", "arm64"];

/** The kernel's BPF machine, as far as the filter uses it. */
function runFilter(program: Program, words: readonly number[]): string {
  let loaded = 0;
  for (let at = 0; ; at++) {
    const one = program[at];
    if (one === undefined) throw new Error("the program runs past its end");
    const { code, jt, jf, k } = one;
    if (code === 0x20) loaded = (words[k / 4] ?? 0) >>> 0;
    else if (code === 0x05) at += k;
    else if (code === 0x15) at += loaded === k ? jt : jf;
    else if (code === 0x35) at += loaded >= k ? jt : jf;
    else if (code === 0x45) at += (loaded & k) !== 0 ? jt : jf;
    else if (code === 0x06) return k === 0x7fff0000 ? "allow" : k === 0x80000000 ? "kill" : `errno ${k & 0xffff}`;
    else throw new Error(`opcode ${code}`);
  }
}

/** The filter's answer to a call by name or number. Arguments are 64 bits wide, low half first. */
function ask(
  architecture: Architecture,
  call: string | number,
  args: bigint[] = [],
  audit = AUDIT[architecture],
  options: FilterOptions = {},
): string {
  const number = typeof call === "number" ? call : syscallNumbers(architecture).get(call);
  if (number === undefined) throw new Error(`no ${call} on ${architecture}`);
  const halves = args.flatMap((arg) => [Number(arg & 0xffffffffn), Number((arg >> 32n) & 0xffffffffn)]);
  return runFilter(filterProgram(architecture, options), [number, audit, 0, 0, ...halves]);
}

test("every name of the policy is a call of one of the architectures and is in only one list", () => {
  const names = [...ALLOWED, ...REFUSED, ...Object.keys(examined())];
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  const known = new Set(BOTH.flatMap((architecture) => [...syscallNumbers(architecture).keys()]));
  expect(names.filter((name) => !known.has(name))).toEqual([]);
});

test("the tables have the kernel's numbers", () => {
  // From the kernel's own headers: the ends of each run, and some from its middle.
  const x64 = {
    read: 0,
    socket: 41,
    clone: 56,
    ptrace: 101,
    io_setup: 206,
    bpf: 321,
    rseq: 334,
    io_uring_setup: 425,
    mseal: 462,
  };
  const arm64 = { io_setup: 0, getcwd: 17, socket: 198, clone: 220, wait4: 260, bpf: 280, kexec_file_load: 294, clone3: 435 };
  for (const [name, number] of Object.entries(x64)) expect(syscallNumbers("x64").get(name), name).toBe(number);
  for (const [name, number] of Object.entries(arm64)) expect(syscallNumbers("arm64").get(name), name).toBe(number);
  expect(syscallNumbers("x64").size).toBe(362 + 19);
  expect(syscallNumbers("arm64").size).toBe(306 + 19);
});

describe.each(BOTH)("on %s", (architecture) => {
  test("each number has the answer of its list, and an unlisted one does not exist", () => {
    const numbers = syscallNumbers(architecture);
    const nameOf = new Map([...numbers].map(([name, number]) => [number, name]));
    const [allowed, refused] = [new Set(ALLOWED), new Set(REFUSED)];
    for (let number = 0; number < 1100; number++) {
      const name = nameOf.get(number) ?? "none";
      if (name in examined()) continue;
      const wanted = allowed.has(name) ? "allow" : refused.has(name) ? "errno 1" : "errno 38";
      expect(ask(architecture, number), `${number} ${name}`).toBe(wanted);
    }
    for (const name of ["clone3", "openat2", "io_uring_setup", "add_key", "keyctl", "io_setup", "memfd_secret"])
      expect(ask(architecture, name), name).toBe("errno 38");
  });

  test("sockets are of the Unix domain, the Internet, or netlink's list of devices", () => {
    for (const family of [1n, 2n, 10n]) expect(ask(architecture, "socket", [family, 1n, 0n])).toBe("allow");
    expect(ask(architecture, "socket", [16n, 3n, 0n])).toBe("allow");
    for (const protocol of [1n, 9n, 15n, 16n, 1n << 31n])
      expect(ask(architecture, "socket", [16n, 3n, protocol])).toBe("errno 93");
    for (let family = 0n; family < 64n; family++)
      if (![1n, 2n, 10n, 16n].includes(family))
        expect(ask(architecture, "socket", [family, 1n, 0n]), `${family}`).toBe("errno 97");
    // The kernel reads 32 bits of it, so the upper bits hide nothing.
    expect(ask(architecture, "socket", [(1n << 32n) | 40n, 1n, 0n])).toBe("errno 97");
    expect(ask(architecture, "socketpair", [1n, 1n, 0n])).toBe("allow");
    for (const family of [2n, 16n, 30n, 40n]) expect(ask(architecture, "socketpair", [family, 1n, 0n])).toBe("errno 97");
  });

  test("no flag creates a namespace; threads, processes and private file tables can be created", () => {
    const flags = [0x00020000n, 0x02000000n, 0x04000000n, 0x08000000n, 0x10000000n, 0x20000000n, 0x40000000n];
    for (const flag of flags)
      for (const call of ["clone", "unshare"]) expect(ask(architecture, call, [flag | 17n]), `${call} ${flag}`).toBe("errno 1");
    expect(ask(architecture, "unshare", [0x80n])).toBe("errno 1");
    expect(ask(architecture, "unshare", [0x600n])).toBe("allow");
    for (const made of [17n, 0x003d0f00n, 0x4111n]) expect(ask(architecture, "clone", [made])).toBe("allow");
  });

  /** Calls that this architecture has, each with its arguments before the mode. */
  const having = (calls: Record<string, bigint[]>): [string, bigint[]][] =>
    Object.entries(calls).filter(([name]) => syscallNumbers(architecture).has(name));
  const CHMOD = { chmod: [0n], fchmod: [3n], fchmodat: [3n, 0n], fchmodat2: [3n, 0n] };
  const MADE = { creat: [0n], mknod: [0n], mknodat: [3n, 0n], open: [0n, 0o101n], openat: [3n, 0n, 0o100n] };

  test("no file gets a set-user-ID bit, and no new file a set-group-ID bit", () => {
    for (const [call, before] of having(CHMOD)) {
      for (const mode of [0o4755n, 0o4000n, 0o6777n, (1n << 32n) | 0o4644n])
        expect(ask(architecture, call, [...before, mode]), `${call} ${mode}`).toBe("errno 1");
      for (const mode of [0o644n, 0o755n, 0o1777n, 0o2775n])
        expect(ask(architecture, call, [...before, mode]), `${call} ${mode}`).toBe("allow");
    }
    for (const [call, before] of having(MADE)) {
      for (const mode of [0o4755n, 0o2755n, 0o104644n])
        expect(ask(architecture, call, [...before, mode]), `${call} ${mode}`).toBe("errno 1");
      expect(ask(architecture, call, [...before, 0o100755n]), call).toBe("allow");
    }
    // A file without a name also has a mode. A file that is only opened has none, and the argument is ignored.
    expect(ask(architecture, "openat", [3n, 0n, 0o20200002n, 0o4755n])).toBe("errno 1");
    expect(ask(architecture, "openat", [3n, 0n, 0o2n, 0o4755n])).toBe("allow");
    expect(ask(architecture, "mkdirat", [3n, 0n, 0o6755n])).toBe("allow");
  });

  test("if files belong to a person's group, no file gets a set-group-ID bit", () => {
    const strict = (call: string, args: bigint[]): string =>
      ask(architecture, call, args, AUDIT[architecture], { noSetgid: true });
    for (const [call, before] of having(CHMOD)) {
      for (const mode of [0o2755n, 0o4755n]) expect(strict(call, [...before, mode]), call).toBe("errno 1");
      expect(strict(call, [...before, 0o1777n]), call).toBe("allow");
    }
    for (const [call, before] of having(MADE)) expect(strict(call, [...before, 0o2755n]), call).toBe("errno 1");
  });

  test("a terminal can be configured, but gets no injected input and no line discipline", () => {
    for (const request of [0x5401n, 0x5413n, 0x541bn]) expect(ask(architecture, "ioctl", [0n, request])).toBe("allow");
    for (const request of [0x5412n, 0x541cn, 0x5423n, (1n << 32n) | 0x5412n])
      expect(ask(architecture, "ioctl", [0n, request])).toBe("errno 1");
  });

  test("only Linux personalities can be set", () => {
    for (const persona of [0n, 0x40000n, 0xffffffffn]) expect(ask(architecture, "personality", [persona])).toBe("allow");
    for (const persona of [8n, 0x400000n, 0x100000n, 0x20000n])
      expect(ask(architecture, "personality", [persona])).toBe("errno 1");
  });

  test("any call of another architecture kills the process", () => {
    const others = Object.entries(AUDIT).filter(([name]) => name !== architecture);
    for (const [name, audit] of others)
      for (const number of [0, 1, 20, 221, 425, 0xffffffff]) expect(ask(architecture, number, [], audit), name).toBe("kill");
  });

  test("a call that a debugger skips is skipped", () => {
    expect(ask(architecture, 0xffffffff)).toBe("errno 38");
  });

  test("the kernel accepts the program: complete, within its limit, with every jump inside", () => {
    const program = filterProgram(architecture);
    expect(seccompFilter({}, architecture)).toHaveLength(program.length * 8);
    expect(program.length).toBeLessThan(4096);
    program.forEach(({ code, jt, jf, k }, at) => {
      const skips = code === 0x05 ? [k] : [jt, jf];
      for (const skip of skips) expect(at + 1 + skip).toBeLessThan(program.length + (code === 0x06 ? 1 : 0));
    });
    expect(program.at(-1)?.code).toBe(0x06);
  });
});

test("calls of x32 kill the process, on the only architecture that has them", () => {
  for (const number of [0x40000000, 0x40000000 + 41, 0x40000000 + 520, 0x7fffffff, 0xfffffffe])
    expect(ask("x64", number)).toBe("kill");
  expect(ask("arm64", 0x40000000)).toBe("errno 38");
});

test("no other architecture has a filter", () => {
  expect(BOTH.map(filterArchitecture)).toEqual(BOTH);
  for (const name of ["ia32", "arm", "riscv64", "ppc64", "s390x", "loong64", ""])
    expect(filterArchitecture(name), name).toBeUndefined();
});
