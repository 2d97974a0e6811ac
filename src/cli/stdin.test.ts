import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { readMessage } from "./stdin.ts";

const input = (isTTY: boolean): Readable => Object.assign(Readable.from([Buffer.from("a\n"), Buffer.from("b\n")]), { isTTY });

test("a message from a terminal is announced with how to end it; one from a pipe is not", async () => {
  const told: string[] = [];
  const tell = (words: string): void => void told.push(words);
  expect(await readMessage(input(true), tell)).toBe("a\nb\n");
  expect(told).toEqual([expect.stringContaining("end it with Ctrl-D")]);
  expect(await readMessage(input(false), tell)).toBe("a\nb\n");
  expect(told).toHaveLength(1);
});
