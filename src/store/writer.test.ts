import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turnOfLoop } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openDatabase, type Sqlite } from "./database.ts";
import { Writer } from "./writer.ts";

let folder: string;
let db: Sqlite;
let writer: Writer;
/** Commits so far. */
let syncs: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "writer-"));
  db = openDatabase(join(folder, "hive.db"));
  syncs = 0;
  writer = new Writer({
    db,
    sync: () => void syncs++,
    onFatal(error) {
      throw error;
    },
  });
});
afterEach(() => {
  writer.close();
  db.close();
  rmSync(folder, { recursive: true, force: true });
});

const put = (key: string): void => void db.prepare("INSERT INTO meta (key, value) VALUES (?, 'x')").run(key);
const kept = (): unknown[] => db.prepare("SELECT key FROM meta ORDER BY key").pluck().all();

/** A write that stores its name and records whether it was stored or undone. */
function good(name: string, said: string[]): Promise<string> {
  return writer.write((tx) => {
    put(name);
    tx.afterCommit(() => void said.push(`${name} is stored`));
    tx.onRollback(() => void said.push(`${name} is undone`));
    return name;
  });
}

/** Queues `count` writes, one per turn of the loop, the first two at once. Resolves when the last is queued. */
async function oneByTurn(count: number): Promise<{ all: Promise<unknown> }> {
  const writes = [good("0", []), good("1", [])];
  while (writes.length < count) {
    await turnOfLoop();
    writes.push(good(`${writes.length}`, []));
  }
  return { all: Promise.all(writes) };
}

test("several writes wait for those that are still arriving and share their sync", async () => {
  const { all } = await oneByTurn(6);
  expect(syncs).toBe(0);
  await all;
  expect({ syncs, kept: kept() }).toEqual({ syncs: 1, kept: ["0", "1", "2", "3", "4", "5"] });
});

test("a full group does not wait, however many writes are still arriving", async () => {
  writer.close();
  writer = new Writer({ db, sync: () => void syncs++, onFatal: vi.fn(), maxGroup: 3 });
  const { all } = await oneByTurn(6);
  expect(syncs).toBeGreaterThan(0);
  await all;
});

test("a lone write does not wait for others", async () => {
  const lone = good("lone", []);
  await turnOfLoop();
  expect(syncs).toBe(1);
  await lone;
});

test("a write that fails before it has changed anything costs its group nothing", async () => {
  const said: string[] = [];
  let runs = 0;
  const group = [
    good("a", said),
    writer.write(() => {
      runs++;
      throw new Error("no");
    }),
    good("c", said),
  ];
  expect((await Promise.allSettled(group)).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect({ said, runs, syncs, kept: kept() }).toEqual({
    said: ["a is stored", "c is stored"],
    runs: 1,
    syncs: 1,
    kept: ["a", "c"],
  });
});

test("a write that fails after a change is undone alone; the rest of its group is stored once", async () => {
  const said: string[] = [];
  const group = [
    good("a", said),
    writer.write((tx) => {
      tx.afterCommit(() => void said.push("never"));
      put("b");
      throw new Error("half done");
    }),
    good("c", said),
  ];
  expect(await Promise.allSettled(group)).toMatchObject([
    { value: "a" },
    { status: "rejected", reason: new Error("half done") },
    { value: "c" },
  ]);
  // The first attempt of the whole group was undone, and its onRollback hooks ran.
  expect({ said, syncs, kept: kept() }).toEqual({
    said: ["a is undone", "a is stored", "c is stored"],
    syncs: 1,
    kept: ["a", "c"],
  });
});

test("a write sees what earlier writes of its group have stored", async () => {
  const group = [writer.write(() => put("a")), writer.write(() => kept())];
  expect((await Promise.all(group))[1]).toEqual(["a"]);
});

test("a lone write that fails is undone, gets its own error and costs no sync", async () => {
  const said: string[] = [];
  const alone = writer.write((tx) => {
    put("half");
    tx.onRollback(() => void said.push("undone"));
    tx.afterCommit(() => void said.push("stored"));
    throw new Error("mine");
  });
  await expect(alone).rejects.toThrow("mine");
  expect({ said, syncs, kept: kept() }).toEqual({ said: ["undone"], syncs: 0, kept: [] });
  await good("next", said);
  expect({ said, syncs, kept: kept() }).toEqual({ said: ["undone", "next is stored"], syncs: 1, kept: ["next"] });
});
