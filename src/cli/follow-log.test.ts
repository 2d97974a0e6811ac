import { expect, test, vi } from "vitest";
import type { LineClient } from "../rpc/client.ts";
import { printLog } from "./follow-log.ts";
import type { Shell } from "./shell.ts";

const client = {} as LineClient;

function shellInto(said: string[]): Shell {
  const shell: Pick<Shell, "client" | "show" | "say"> = {
    client,
    show: (part, text) => void said.push(text(part)),
    say: (text) => void said.push(text),
  };
  return shell as Shell;
}

test("a log that is followed for long keeps nothing of the parts that it has printed", async () => {
  const end = Promise.withResolvers<string>();
  const then = vi.spyOn(end.promise, "then");
  const said: string[] = [];
  const read = (_: LineClient, after = -1) => {
    if (after < 999) return Promise.resolve({ lines: [`line ${after + 1}`], position: after + 1 });
    end.resolve("it has ended");
    return new Promise<never>(() => {});
  };
  // The last part is read over a connection of its own, which this test does not have.
  await expect(printLog(shellInto(said), { read, nothing: "", ended: () => end.promise }, true)).rejects.toThrow();
  expect(said).toHaveLength(1_000);
  expect(then.mock.calls.length).toBeLessThan(5);
});

test("what the wait for the end fails with is thrown, although no line comes any more", async () => {
  const failed = Promise.reject(new Error("the connection has ended"));
  const read = (_: LineClient, after?: number) =>
    after === undefined ? Promise.resolve({ lines: ["a"], position: 1 }) : new Promise<never>(() => {});
  const said: string[] = [];
  await expect(printLog(shellInto(said), { read, nothing: "", ended: () => failed }, true)).rejects.toThrow(
    "connection has ended",
  );
  expect(said).toEqual(["a"]);
});
