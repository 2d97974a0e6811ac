import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turnOfLoop } from "node:timers/promises";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { openDatabase, type Sqlite } from "./database.ts";
import { MIN_BACKGROUND, Writer, type Syncing } from "./writer.ts";

/** Milliseconds of `quickSyncMs` that every sync exceeds. */
const EVERY_DISK_IS_SLOW = 0;

let folder: string;
let db: Sqlite;
let writer: Writer;
/** What has happened, in order. */
let said: string[];
/** Ends the sync that runs in another thread. */
let end: (error: Error | null) => void;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "background-"));
  db = openDatabase(join(folder, "hive.db"));
  said = [];
  end = () => {
    throw new Error("nothing is being synced in the background");
  };
  writer = new Writer({
    db,
    sync: () => void said.push("synced"),
    syncInBackground(done) {
      said.push("syncing");
      end = done;
    },
    onFatal: () => void said.push("fatal"),
    quickSyncMs: EVERY_DISK_IS_SLOW,
  });
});
afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true, force: true });
});

const kept = (): number => db.prepare("SELECT count(*) FROM meta").pluck().get() as number;

/** Queues one write per word of `syncing`; the last records its result. */
function group(...syncing: Syncing[]): Promise<void>[] {
  return syncing.map((how, at) =>
    writer.write((tx) => {
      db.prepare("INSERT INTO meta (key, value) VALUES (?, 'x')").run(`${kept()}`);
      if (at < syncing.length - 1) return;
      tx.afterCommit(() => void said.push("notified"));
      tx.onRollback(() => void said.push("undone"));
    }, how),
  );
}

/** Resolves when the queued writes are committed: one turn sees them, and the next brings no more. */
async function committed(): Promise<void> {
  await turnOfLoop();
  await turnOfLoop();
}

const large = (): Syncing[] => Array.from({ length: MIN_BACKGROUND }, () => "background" as const);

test("a large group is reported when its sync in another thread has ended, and then the next group begins", async () => {
  const first = group(...large());
  await committed();
  const second = group("now");
  await committed();
  expect({ said, kept: kept() }).toEqual({ said: ["syncing"], kept: MIN_BACKGROUND });
  end(null);
  await Promise.all([...first, ...second]);
  expect(said).toEqual(["syncing", "notified", "synced", "notified"]);
  writer.close();
});

test("a small group is synced at once", async () => {
  await Promise.all(group(...large().slice(1)));
  expect(said).toEqual(["synced", "notified"]);
  writer.close();
});

test("a group is synced at once if one of its writes requires it", async () => {
  await Promise.all(group("now", ...large()));
  expect(said).toEqual(["synced", "notified"]);
  writer.close();
});

test("settle syncs and reports the running group; the end of its other sync changes nothing", async () => {
  const writes = group(...large());
  await committed();
  writer.settle();
  expect(said).toEqual(["syncing", "synced", "notified"]);
  await Promise.all(writes);
  end(new Error("too late to matter"));
  writer.settle();
  expect(said).toEqual(["syncing", "synced", "notified"]);
  writer.close();
});

test("writes behind a settled group are stored without another write to trigger them", async () => {
  const first = group(...large());
  await committed();
  const second = group("now");
  writer.settle();
  await Promise.all([...first, ...second]);
  expect(said).toEqual(["syncing", "synced", "notified", "synced", "notified"]);
  writer.close();
});

test("a sync that fails in another thread refuses the group and ends the process", async () => {
  const writes = group(...large());
  await committed();
  end(Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO", syscall: "fdatasync" }));
  const results = await Promise.allSettled(writes);
  expect(results.map((result) => result.status === "rejected" && (result.reason as { code: string }).code)).toEqual(
    large().map(() => "unavailable"),
  );
  expect(said).toEqual(["syncing", "undone", "fatal"]);
});

test("close waits for the running sync and stores the writes behind it", async () => {
  const writes = [...group(...large())];
  await committed();
  writes.push(...group(...large()));
  writer.close();
  expect({ said, kept: kept() }).toEqual({
    said: ["syncing", "synced", "notified", "synced", "notified"],
    kept: 2 * MIN_BACKGROUND,
  });
  await Promise.all(writes);
});

test("a large group is synced at once after a quick sync, and in another thread after a slow one", async () => {
  let took = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => 0);
  onTestFinished(() => clock.mockRestore());
  writer = new Writer({
    db,
    sync() {
      said.push("synced");
      clock.mockImplementationOnce(() => took);
    },
    syncInBackground(done) {
      said.push("syncing");
      clock.mockImplementationOnce(() => took);
      done(null);
    },
    onFatal: () => void said.push("fatal"),
    quickSyncMs: 3,
  });
  for (took of [2, 3, 4, 2, 2]) await Promise.all(group(...large()));
  // The first sync is of an unknown disk.
  expect(said.filter((words) => words.startsWith("sync"))).toEqual(["syncing", "synced", "syncing", "syncing", "synced"]);
  writer.close();
});
