import { spawn } from "node:child_process";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { copy, daemonStdio, lastOutput } from "./terminal.ts";

test("the daemon gets no descriptor of a terminal", () => {
  expect(daemonStdio(() => true)).toEqual(["ignore", "pipe", "pipe"]);
  expect(daemonStdio(() => false)).toEqual(["ignore", "inherit", "inherit"]);
  expect(daemonStdio((fd) => fd === 2)).toEqual(["ignore", "inherit", "pipe"]);
});

test("what it prints is shown without the characters that steer a terminal, whole also where a chunk ends", async () => {
  const [from, to] = [new PassThrough(), new PassThrough()];
  copy(from, to);
  const text = Buffer.from("◆ hive\n\u001B]52;c;eA==\u0007\u001B[2J\u009bx\ttab\n");
  for (const byte of text) from.write(Buffer.of(byte));
  from.end();
  let shown = "";
  to.setEncoding("utf8").on("data", (chunk: string) => (shown += chunk));
  await expect.poll(() => shown).toBe("◆ hive\n␛]52;c;eA==␇␛[2J⟨U+009B⟩x\ttab\n");
});

test("a process that the daemon leaves behind does not keep the helper", async () => {
  const child = spawn("/bin/sh", ["-c", "echo last; sleep 1000 & echo $!"], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
  await lastOutput(child);
  expect(said).toMatch(/^last\n\d+\n$/);
  process.kill(Number(said.split("\n")[1]));
});
