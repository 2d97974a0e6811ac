import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import { checkCopy, secretsOf } from "./copy.ts";
import type { Store } from "./store.ts";

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "copy-"));
  store = openStoreIn(folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});
const put = (key: string, value: string) => store.write(() => store.meta.set(key, value));

test("a copy contains every commit until its end and runs in small steps between which others are answered", async () => {
  for (let n = 0; n < 64; n++) await put(`large-${n}`, "x".repeat(256 * 1024));
  const steps: number[] = [];
  let committed = 0;
  let isOver = false;
  const busy = (async () => {
    for (; !isOver; committed++) await put("n", String(committed));
    return committed;
  })();
  await store.backup(join(folder, "copy.db"), (done) => void steps.push(done));
  const atLeast = committed;
  isOver = true;
  await busy;
  expect(atLeast).toBeGreaterThan(steps.length / 4);
  for (const [at, done] of steps.entries()) expect(done - (steps[at - 1] ?? 0)).toBeLessThanOrEqual(256);
  checkCopy(join(folder, "copy.db"));
  const copy = new Database(join(folder, "copy.db"));
  const row = copy.prepare<[], { value: string }>("SELECT value FROM meta WHERE key = 'n'").get();
  copy.close();
  expect(Number(row?.value)).toBeGreaterThanOrEqual(atLeast - 2);
});

test("a copy fails if it cannot be flushed or is stopped", async () => {
  await expect(store.backup(join(folder, "none", "copy.db"), () => {})).rejects.toThrow("no such file or directory");
  const stop = (): void => {
    throw new Error("enough");
  };
  await expect(store.backup(join(folder, "copy.db"), stop)).rejects.toThrow("enough");
  await put("still", "works");
});

test("a copy that is damaged, newer or not a database is refused with the reason", async () => {
  const file = join(folder, "copy.db");
  await store.backup(file, () => {});
  const copy = new Database(file);
  copy.pragma("user_version = 9999");
  copy.close();
  expect(() => checkCopy(file)).toThrow("newer than this program's");
  writeFileSync(file, "x".repeat(8192));
  expect(() => checkCopy(file)).toThrow("cannot be read");
});

test("a copy names its secrets, and one of before there were any has none", async () => {
  const file = join(folder, "copy.db");
  await store.write(() => store.secrets.set("GH", "operator", 1));
  await store.backup(file, () => {});
  expect(secretsOf(file)).toEqual(["GH"]);
  const older = new Database(file);
  older.exec("DROP TABLE secrets");
  older.close();
  expect(secretsOf(file)).toEqual([]);
});
