import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";

const FILES = ["hive.db", "hive.db-wal"];
/** What the log has before the first commit. */
const ROOM = 17 * 1024 * 1024;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wal-"));
  mkdirSync(join(folder, "left"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Copies the files as they are now, as a kill leaves them. */
function killed(): string {
  for (const name of FILES) copyFileSync(join(folder, name), join(folder, "left", name));
  return join(folder, "left");
}

test("commits do not grow the log, and it takes its blocks when the store opens", async () => {
  const store = openStoreIn(folder);
  const { size, blocks } = statSync(join(folder, "hive.db-wal"));
  expect(size).toBe(ROOM);
  expect(blocks * 512).toBeGreaterThanOrEqual(ROOM);
  for (let n = 0; n < 100; n++) await store.write(() => store.meta.set(`key-${n}`, "x".repeat(1000)));
  expect(statSync(join(folder, "hive.db-wal")).size).toBe(ROOM);
  store.close();
});

test("what a killed daemon leaves has each commit and no other, in a first log and in a later one", async () => {
  const first = openStoreIn(folder);
  await first.write(() => first.meta.set("early", "1"));
  const afterFirst = openStoreIn(killed());
  expect(afterFirst.meta.get("early")).toBe("1");
  await afterFirst.write(() => afterFirst.meta.set("late", "2"));
  afterFirst.close();
  first.close();
  const again = openStoreIn(join(folder, "left"));
  await again.write(() => again.meta.set("last", "3"));
  for (const name of FILES) copyFileSync(join(folder, "left", name), join(folder, name));
  again.close();
  const last = openStoreIn(folder);
  expect(["early", "late", "last"].map((key) => last.meta.get(key))).toEqual(["1", "2", "3"]);
  last.close();
});

test("a log of nothing but zeros is an empty one", async () => {
  const store = openStoreIn(folder);
  await store.write(() => store.meta.set("kept", "1"));
  store.close();
  writeFileSync(join(folder, "hive.db-wal"), Buffer.alloc(ROOM));
  const next = openStoreIn(folder);
  expect(next.meta.get("kept")).toBe("1");
  await next.write(() => next.meta.set("next", "2"));
  expect(next.meta.get("next")).toBe("2");
  next.close();
});
