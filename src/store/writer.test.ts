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

/** A write that stores its name and says when it is stored, or undone. */
function good(name: string, said: string[]): Promise<string> {
  return writer.write((tx) => {
    put(name);
    tx.afterCommit(() => void said.push(`${name} is stored`));
    tx.onRollback(() => void said.push(`${name} is undone`));
    return name;
  });
}

/** Queues `count` writes, one in each turn of the loop, the first two at once. Resolves when the last is queued. */
async function oneByTurn(count: number): Promise<{ all: Promise<unknown> }> {
  const writes = [good("0", []), good("1", [])];
  while (writes.length < count) {
    await turnOfLoop();
    writes.push(good(`${writes.length}`, []));
  }
  return { all: Promise.all(writes) };
}

test("several writes wait for those that still arrive, and share their sync", async () => {
  const { all } = await oneByTurn(6);
  expect(syncs).toBe(0);
  await all;
  expect({ syncs, kept: kept() }).toEqual({ syncs: 1, kept: ["0", "1", "2", "3", "4", "5"] });
});

test("however many still arrive, a group that is full waits no longer", async () => {
  writer.close();
  writer = new Writer({ db, sync: () => void syncs++, onFatal: vi.fn(), maxGroup: 3 });
  const { all } = await oneByTurn(6);
  expect(syncs).toBeGreaterThan(0);
  await all;
});

test("a lone write waits for no other", async () => {
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

test("a write that fails half done is undone alone; the others of its group are stored once", async () => {
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
  // The first attempt of the whole group came to nothing, and whoever counts along was told so.
  expect({ said, syncs, kept: kept() }).toEqual({
    said: ["a is undone", "a is stored", "c is stored"],
    syncs: 1,
    kept: ["a", "c"],
  });
});

test("what one write of a group has stored, the next one sees", async () => {
  const group = [writer.write(() => put("a")), writer.write(() => kept())];
  expect((await Promise.all(group))[1]).toEqual(["a"]);
});

test("a write that fails alone takes back what it did, is told its own error, and costs no sync", async () => {
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
