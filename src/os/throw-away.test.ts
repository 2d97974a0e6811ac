import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { foreignAnswers, probeAnswers, probeScript, writeProbe } from "../../test/lib/kernel-probe.ts";
import { startThrowAway } from "./throw-away.ts";

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "throw-")));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a throw-away cage asks no more of the kernel than any other", async () => {
  writeProbe(folder);
  const cage = startThrowAway({
    folder,
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    script: `exec 2>&1\n${probeScript("/repo")}`,
    args: [],
    env: { PATH: "/usr/bin:/bin" },
    memoryBytes: 1024 ** 3,
    cpuSeconds: 20,
  });
  let out = "";
  cage.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
  await new Promise((resolve) => cage.once("close", resolve));
  const lines = out.split("\n");
  expect(lines.slice(0, probeAnswers().length)).toEqual(probeAnswers());
  for (const answer of foreignAnswers()) expect(lines).toContain(answer);
});
