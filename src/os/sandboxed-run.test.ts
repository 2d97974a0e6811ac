import { accessSync, constants, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { foreignAnswers, probeAnswers, probeScript, writeProbe } from "../../test/lib/kernel-probe.ts";
import { sandboxedRun, STAGES, type SandboxedProgram } from "./sandboxed-run.ts";

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "throw-")));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a script in a sandbox over the folder and returns its output. */
async function inside(script: string, more: Partial<SandboxedProgram> = {}): Promise<string> {
  const cage = sandboxedRun({
    folder,
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    script: `exec 2>&1\n${script}`,
    args: [],
    env: { PATH: "/usr/bin:/bin" },
    memoryBytes: 1024 ** 3,
    cpuSeconds: 20,
    ...more,
  });
  let out = "";
  cage.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
  await new Promise((resolve) => cage.once("close", resolve));
  return out;
}

test("a sandboxed run may make the same system calls as the cage of an agent", async () => {
  writeProbe(folder);
  const lines = (await inside(probeScript("/repo"))).split("\n");
  expect(lines.slice(0, probeAnswers().length)).toEqual(probeAnswers());
  for (const answer of foreignAnswers()) expect(lines).toContain(answer);
});

test("a sandbox may keep sixteen megabytes of files in memory, in /tmp only", async () => {
  const out = await inside(
    `for path in /tmp /dev/shm /dev / /repo; do
       { head -c 40000000 /dev/zero > $path/x; } 2>/dev/null; [ ! -e $path/x ] || echo "$path $(stat -c %s $path/x)"
     done`,
  );
  expect(out).toBe(`/tmp ${16 * 1024 * 1024}\n`);
});

test("what the first folder contains does not choose the second one, where links lead through the place of the first", async () => {
  // Only root binds folders before bubblewrap does.
  if (process.getuid?.() !== 0) return;
  const name = `throw-${process.pid}`;
  const at = (...parts: string[]): string => join(folder, ...parts);
  for (const [one, text] of [
    ["data", "the host's"],
    ["secret", "chosen by the first folder"],
  ] as const) {
    mkdirSync(at(one));
    writeFileSync(at(one, "name"), text);
  }
  mkdirSync(at("first"));
  symlinkSync(at("secret"), at("first", name));
  symlinkSync(join(STAGES[0] ?? "", name), at("link"));
  symlinkSync(at("data"), join(STAGES[0] ?? "", name));
  try {
    const out = await inside("cat /second/name", { folder: at("first"), reads: [{ host: at("link"), at: "/second" }] });
    expect(out).toBe("the host's");
  } finally {
    rmSync(join(STAGES[0] ?? "", name));
  }
});

/** A new folder with a file of its own name. */
function namedFolder(parent: string): string {
  const made = mkdtempSync(join(parent, "throw-"));
  writeFileSync(join(made, "name"), made);
  return made;
}

test("a folder below each place where folders are bound is seen, as are two below different ones", async () => {
  const made = STAGES.filter(mayWrite).map(namedFolder);
  try {
    for (const one of made) expect(await inside("cat /repo/name", { folder: one })).toBe(one);
    const [first = "", second = first] = made;
    const both = { folder: first, reads: [{ host: second, at: "/second" }] };
    expect(await inside("cat /repo/name /second/name", both)).toBe(first + second);
  } finally {
    for (const one of made) rmSync(one, { recursive: true });
  }
});

test("more folders than there are places for are seen, each at its own path", async () => {
  const reads = Array.from({ length: STAGES.length + 1 }, (_, nth) => ({ host: join(folder, String(nth)), at: `/read${nth}` }));
  for (const { host, at } of reads) {
    mkdirSync(host);
    writeFileSync(join(host, "name"), at);
  }
  expect(await inside("cat /read*/name", { reads })).toBe(reads.map(({ at }) => at).join(""));
});

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    // Only root may write there.
    return false;
  }
}
