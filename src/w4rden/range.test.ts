import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { uidRange } from "../platforms/uids.ts";
import { Hives } from "./range.ts";

const isRoot = process.getuid?.() === 0;
let etc: string;
beforeEach(() => {
  etc = mkdtempSync(join(tmpdir(), "etc-"));
  chmodSync(etc, 0o755);
});
afterEach(() => rmSync(etc, { recursive: true, force: true }));

/** Two ids of hives that share their uids, found by trying ids. */
function colliding(): [string, string] {
  const seen = new Map<number, string>();
  for (let n = 0; ; n++) {
    const id = n.toString(16).padStart(8, "0");
    const { first } = uidRange(id);
    const other = seen.get(first);
    if (other !== undefined) return [other, id];
    seen.set(first, id);
  }
}

test("a hive's id is asked for once, and read from root's record from then on", async () => {
  if (!isRoot) {
    expect(() => new Hives(etc)).toThrow(/can be written by others than root/);
    return;
  }
  const hives = new Hives(etc);
  expect(await hives.idOf("/s", async () => "0000abcd\n")).toBe("0000abcd");
  expect(await new Hives(etc).idOf("/s", () => Promise.reject(new Error("asked")))).toBe("0000abcd");
  expect(statSync(hives.file("/s"))).toMatchObject({ uid: 0, mode: 0o100644 });
});

test.each(["", "0000ABCD", "0000abcd0", "../../../x", "0000abcd\n0000abcd"])("%j is no id of a hive", async (id) => {
  if (!isRoot) return;
  await expect(new Hives(etc).idOf("/s", async () => id)).rejects.toThrow();
});

test("two hives never share uids: a copy of a hive and a collision are refused", async () => {
  if (!isRoot) return;
  const hives = new Hives(etc);
  const [one, two] = colliding();
  await hives.idOf("/a", async () => one);
  await expect(hives.idOf("/b", async () => one)).rejects.toThrow(/is recorded for \/a: if it was moved, remove \S+\.json/);
  await expect(hives.idOf("/b", async () => two)).rejects.toThrow(/would share its uids with the one in \/a/);
  await hives.idOf("/b", async () => "0000abcd");
});

test("a folder of records that others can write is refused, and so is a record that is none", async () => {
  if (!isRoot) return;
  mkdirSync(join(etc, "hives"));
  chmodSync(join(etc, "hives"), 0o775);
  expect(() => new Hives(etc)).toThrow(/chmod go-w/);
  chmodSync(join(etc, "hives"), 0o755);
  writeFileSync(join(etc, "hives/x.json"), '{"state":"/s","hive_id":"0000abcd","first":0}');
  await expect(new Hives(etc).idOf("/s", async () => "0000abcd")).rejects.toThrow(/x\.json is not a record of a hive/);
  expect(readFileSync(join(etc, "hives/x.json"), "utf8")).toContain("first");
});
