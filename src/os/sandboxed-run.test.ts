import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { foreignAnswers, probeAnswers, probeScript, writeProbe } from "../../test/lib/kernel-probe.ts";
import { sandboxedRun } from "./sandboxed-run.ts";

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "throw-")));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a script in a sandbox over the folder and returns its output. */
async function inside(script: string): Promise<string> {
  const cage = sandboxedRun({
    folder,
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    script: `exec 2>&1\n${script}`,
    args: [],
    env: { PATH: "/usr/bin:/bin" },
    memoryBytes: 1024 ** 3,
    cpuSeconds: 20,
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
