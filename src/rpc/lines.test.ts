import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
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
  const before = heldBytes();
  for (let n = 0; n < 1_000_000; n++) splitter.push(Buffer.from("a"), () => {});
  expect(heldBytes() - before).toBeLessThan(8 * 1024 * 1024);
  const lines: string[] = [];
  splitter.push(Buffer.from("b\nnext\nla"), (line) => lines.push(line));
  splitter.push(Buffer.from("st\n"), (line) => lines.push(line));
  expect([lines[0]?.length, ...lines.slice(1)]).toEqual([1_000_001, "next", "last"]);
});

test.each([
  ["whole", (bytes: Buffer) => [bytes]],
  ["in pieces", (bytes: Buffer) => [bytes.subarray(0, 3), bytes.subarray(3)]],
  ["after another one", (bytes: Buffer) => [Buffer.concat([Buffer.from("{}\n"), bytes]), Buffer.from("{}\n")]],
])("a line that is not UTF-8 is refused and not changed (%s); one with a replacement character is UTF-8", (_, parts) => {
  const read = (...bytes: number[]): string[] => {
    const lines: string[] = [];
    const splitter = new LineSplitter();
    for (const part of parts(Buffer.from([0x22, 0x61, 0x62, ...bytes, 0x22, 0x0a])))
      splitter.push(part, (one) => lines.push(one));
    return lines;
  };
  for (const bad of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf]]) expect(() => read(...bad)).toThrow("a line is UTF-8");
  expect(read(...Buffer.from("\uFFFDü"))).toContain('"ab\uFFFDü"');
});

/** Memory that this process holds after a collection: garbage, of other tests as well, does not count. Bytes. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
