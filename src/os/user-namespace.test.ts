import { expect, test } from "vitest";
import { isMapped, isMappedRoot, uidMap } from "./user-namespace.ts";

const HOST = "         0          0 4294967295\n";
const MAPPED = "         0        999          1\n1906540544 1906540544      16384\n";

test("a map is read as the kernel prints it", () => {
  expect(uidMap(MAPPED)).toEqual([
    { inside: 0, outside: 999, count: 1 },
    { inside: 1906540544, outside: 1906540544, count: 16384 },
  ]);
});

test("only the ids of the map exist", () => {
  const map = uidMap(MAPPED);
  expect([0, 1, 999, 1906540543, 1906540544, 1906556927, 1906556928].map((uid) => isMapped(uid, map))).toEqual([
    true,
    false,
    false,
    false,
    true,
    true,
    false,
  ]);
});

test("root of the host is no mapped root", () => {
  expect(isMappedRoot(uidMap(HOST))).toBe(false);
  expect(isMappedRoot(uidMap(MAPPED))).toBe(process.getuid?.() === 0);
});
