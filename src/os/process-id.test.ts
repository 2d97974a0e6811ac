import { expect, test } from "vitest";
import { identify, isAlive, signal } from "./process-id.ts";

test("a record names the process that it was made of: not another one of its number, nor one of another boot", () => {
  const own = identify(process.pid);
  if (!own) throw new Error("this process runs");
  expect(own.boot).toMatch(/^[0-9a-f-]{36}$/);
  expect(isAlive(own)).toBe(true);
  // As earlier versions wrote it.
  expect(isAlive({ pid: own.pid, startTime: own.startTime })).toBe(true);
  for (const other of [
    { ...own, startTime: own.startTime + 1 },
    { ...own, boot: "11111111-2222-3333-4444-555555555555" },
    { ...own, pid: 2 ** 22 + 1 },
  ]) {
    expect(isAlive(other)).toBe(false);
    expect(signal(other, "SIGTERM")).toBe("ended");
  }
});
