import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hasNoRoom, openDatabase } from "./database.ts";
import { Writer } from "./writer.ts";

test("a failed sync refuses the group, ends the process and is not retried", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sync-"));
  const db = openDatabase(join(folder, "hive.db"));
  const fatal: Error[] = [];
  let syncs = 0;
  const writer = new Writer({
    db,
    sync() {
      syncs++;
      throw Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO", syscall: "fdatasync" });
    },
    onFatal: (error) => void fatal.push(error),
  });
  const notified: string[] = [];
  const write = writer.write((tx) => tx.afterCommit(() => void notified.push("notified")));
  await expect(write).rejects.toMatchObject({ code: "unavailable" });
  expect({ syncs, fatal: fatal.length, notified }).toEqual({ syncs: 1, fatal: 1, notified: [] });
  db.close();
  rmSync(folder, { recursive: true, force: true });
});

const quota = (): never => {
  throw Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR_WRITE" });
};

test.each([
  ["refuses the group and goes on if a write beside the database finds no room either", true],
  ["ends the process if there is room", false],
])("SQLite knows no quota: a write that fails %s", async (_, isFull) => {
  const folder = mkdtempSync(join(tmpdir(), "sync-"));
  const db = openDatabase(join(folder, "hive.db"));
  const fatal: Error[] = [];
  const writer = new Writer({ db, sync() {}, hasNoRoom: () => isFull, onFatal: (error) => void fatal.push(error) });
  await expect(writer.write(quota)).rejects.toMatchObject({ code: isFull ? "disk_full" : "unavailable" });
  expect(fatal).toHaveLength(isFull ? 0 : 1);
  expect(await writer.write(() => "stored")).toBe("stored");
  writer.close();
  db.close();
  rmSync(folder, { recursive: true, force: true });
});

test("room beside the database is probed with a block, of which nothing is left", () => {
  const folder = mkdtempSync(join(tmpdir(), "room-"));
  expect(hasNoRoom(join(folder, "hive.db"))).toBe(false);
  // A folder that is missing is no full disk.
  expect(hasNoRoom(join(folder, "none", "hive.db"))).toBe(false);
  // Each write to it finds no room.
  symlinkSync("/dev/full", join(folder, "hive.db-room"));
  expect(hasNoRoom(join(folder, "hive.db"))).toBe(true);
  expect(readdirSync(folder)).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});

test("a write's promise resolves only after the sync of its group", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sync-"));
  const db = openDatabase(join(folder, "hive.db"));
  const order: string[] = [];
  const writer = new Writer({
    db,
    sync: () => void order.push("sync"),
    onFatal(error) {
      throw error;
    },
  });
  const one = writer.write(() => void order.push("one")).then(() => order.push("one is stored"));
  const two = writer.write(() => void order.push("two")).then(() => order.push("two is stored"));
  await Promise.all([one, two]);
  expect(order).toEqual(["one", "two", "sync", "one is stored", "two is stored"]);
  writer.close();
  db.close();
  rmSync(folder, { recursive: true, force: true });
});
