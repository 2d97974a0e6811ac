import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openDatabase } from "./database.ts";
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
