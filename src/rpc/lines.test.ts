import type { Socket } from "node:net";
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { LineSplitter, LineWriter } from "./lines.ts";

test("the first line of a turn is written at once and later ones together; the next turn starts over", async () => {
  const written: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString());
      done();
    },
  });
  const writer = new LineWriter(sink as unknown as Socket);
  writer.write({ n: 1 });
  expect(written).toEqual(['{"n":1}\n']);
  writer.write({ n: 2 });
  await Promise.resolve();
  writer.write({ n: 3 });
  expect(written).toHaveLength(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(written.slice(1)).toEqual(['{"n":2}\n{"n":3}\n']);
  writer.write({ n: 4 });
  writer.write({ n: 5 });
  writer.end();
  expect(written.slice(2)).toEqual(['{"n":4}\n', '{"n":5}\n']);
  expect(writer.write({ n: 6 })).toBe(false);
});

test("a line that comes byte by byte takes the memory of its bytes, not of its chunks", () => {
  const splitter = new LineSplitter();
  const byte = Buffer.from("a");
  const before = process.memoryUsage();
  const used = (): number => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers;
  };
  for (let n = 0; n < 1_000_000; n++) splitter.push(byte, () => {});
  expect(used()).toBeLessThan(32 * 1024 * 1024);
  const lines: string[] = [];
  splitter.push(Buffer.from("b\nnext\nla"), (line) => lines.push(line));
  splitter.push(Buffer.from("st\n"), (line) => lines.push(line));
  expect([lines[0]?.length, ...lines.slice(1)]).toEqual([1_000_001, "next", "last"]);
});
