import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { EchoFilter, withoutEchoes } from "./echo.ts";

const filtered = (pieces: (string | Buffer)[], hidden: string[]): Promise<string> =>
  text(Readable.from(pieces.map((piece) => Buffer.from(piece))).pipe(new EchoFilter(hidden, "[x]")));

test("a text is replaced wherever the stream is cut", async () => {
  const body = "a secret-value b secret-value";
  for (let size = 1; size <= body.length; size++) {
    const pieces = Array.from({ length: Math.ceil(body.length / size) }, (_, n) => body.slice(n * size, (n + 1) * size));
    expect(await filtered(pieces, ["secret-value"])).toBe("a [x] b [x]");
  }
});

test("what only begins like it stays, also at the end", async () => {
  expect(await filtered(["secret-", "valu", "es secret-valu"], ["secret-value"])).toBe("[x]s secret-valu");
  expect(await filtered(["aaaaaaab", "aaaa"], ["aaaab"])).toBe("aaa[x]aaaa");
  expect(await filtered([], ["aaaab"])).toBe("");
});

test("of two texts at one place the longer one is replaced, and one within another's rest is found", async () => {
  expect(await filtered(["abcdefgh abcdefghij"], ["abcdefgh", "abcdefghij"])).toBe("[x] [x]");
  expect(await filtered(["xbcdefg"], ["bcd", "efg"])).toBe("x[x][x]");
});

test("bytes that cannot begin it do not wait for more", async () => {
  const filter = new EchoFilter(["secret-value"], "[x]");
  filter.write("data: 1\n\n");
  expect(String(filter.read())).toBe("data: 1\n\n");
  filter.write("data: secret-v");
  expect(String(filter.read())).toBe("data: ");
  filter.end("alue\n\n");
  expect(await text(filter)).toBe("[x]\n\n");
});

test("bytes of another alphabet pass as they are", async () => {
  const bytes = Buffer.from(Array.from({ length: 1024 }, (_, n) => n % 256));
  const filter = Readable.from([bytes.subarray(0, 300), bytes.subarray(300)]).pipe(new EchoFilter(["secret-value"], "[x]"));
  expect(Buffer.concat(await filter.toArray())).toEqual(bytes);
});

test("in bytes that are complete, the same is replaced as in a stream", async () => {
  const hidden = ["bcd", "abcdefgh", "abcdefghij", "efg"];
  for (const body of ["", "xbcdefg", "abcdefgh abcdefghij", "abcdefg", "bcdbcd efg", "nothing"])
    expect(withoutEchoes(Buffer.from(body), hidden, "[x]").toString()).toBe(await filtered([body], hidden));
});
