import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore, type Store } from "./store.ts";

let folder: string;
const open = (): Store =>
  openStore({
    file: join(folder, "hive.db"),
    onFatal(error) {
      throw error;
    },
  });
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "store-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("what was written in the last moment before the end is stored, and its writer hears of it", async () => {
  const store = open();
  const told: string[] = [];
  const last = store.write((tx) => {
    tx.afterCommit(() => told.push("committed"));
    store.meta.set("last", "words");
  });
  store.close();
  expect(told).toEqual(["committed"]);
  await last;
  const again = open();
  expect(again.meta.get("last")).toBe("words");
  again.close();
});

test("what comes after the end is refused in words, not as a defect", async () => {
  const store = open();
  store.close();
  await expect(store.write(() => store.meta.set("late", "words"))).rejects.toMatchObject({ code: "unavailable" });
});
