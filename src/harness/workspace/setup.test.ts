import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runSetup } from "./setup.ts";

let cwd: string;
beforeAll(() => void (cwd = mkdtempSync(join(tmpdir(), "setup-"))));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const run = (command: string, limits: { timeoutMs?: number; maxLogBytes?: number } = {}): Promise<void> =>
  runSetup({
    command,
    cwd,
    logFile: join(cwd, "log"),
    ended: new AbortController().signal,
    ...limits,
    env: { PATH: process.env["PATH"] ?? "" },
  });

test("it ends with its command, although a process that it left behind keeps its output open", async () => {
  await run("sleep 600 & echo done");
  expect(readFileSync(join(cwd, "log"), "utf8")).toBe("done\n");
});

test("its output is bounded, and a failure quotes its end", async () => {
  await expect(run("head -c 5000 /dev/zero | tr '\\0' x; echo; echo the end; exit 3", { maxLogBytes: 1000 })).rejects.toThrow(
    /^it ended with 3: x+\nthe end$/,
  );
  const log = readFileSync(join(cwd, "log"), "utf8");
  expect(log).toBe(`${"x".repeat(1000)}\nfurther output is not kept\n`);
});

test("it is killed when it takes too long", async () => {
  await expect(run("sleep 600", { timeoutMs: 1 })).rejects.toThrow("took longer than");
});
