import { expect, test } from "vitest";
import { Recent } from "./recent.ts";

function open(room = { bytes: 16, count: 32 }) {
  const read: string[] = [];
  const recent = new Recent<string>(room, (value) => value.length);
  const get = (key: string, value = key): Promise<string> =>
    recent.get(key, async () => {
      read.push(key);
      return value;
    });
  return { read, recent, get };
}

test("a thing is read once, also by two readers at the same time", async () => {
  const { read, get } = open();
  expect(await Promise.all([get("a"), get("a"), get("b")])).toEqual(["a", "a", "b"]);
  expect(await get("a")).toBe("a");
  expect(read).toEqual(["a", "b"]);
});

test("what was used last is kept, as far as it fits", async () => {
  const { read, get } = open();
  for (const key of ["one", "two", "one", "three", "one", "two"]) await get(key, "123456");
  expect(read).toEqual(["one", "two", "three", "two"]);
  for (const key of ["huge", "huge"]) await get(key, "x".repeat(17));
  await get("two");
  expect(read.slice(4)).toEqual(["huge", "huge"]);
});

test("many small things are bounded, too", async () => {
  const { read, get } = open({ bytes: 1000, count: 3 });
  for (const key of ["a", "b", "c", "d", "d", "a"]) await get(key);
  expect(read).toEqual(["a", "b", "c", "d", "a"]);
});

test("a failure is not kept, and reaches each of its readers", async () => {
  const { recent, get } = open();
  const fail = (): Promise<string> => recent.get("a", () => Promise.reject(new Error("git has failed")));
  await Promise.all([expect(fail()).rejects.toThrow("git has failed"), expect(fail()).rejects.toThrow("git has failed")]);
  expect(await get("a")).toBe("a");
});
