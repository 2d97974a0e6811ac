import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "store-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a write queued just before close is stored and reported", async () => {
  const store = openStoreIn(folder);
  const notified: string[] = [];
  const last = store.write((tx) => {
    tx.afterCommit(() => notified.push("committed"));
    store.meta.set("last", "words");
  });
  store.close();
  expect(notified).toEqual(["committed"]);
  await last;
  const again = openStoreIn(folder);
  expect(again.meta.get("last")).toBe("words");
  again.close();
});

test("a write after close is refused as unavailable, not as a defect", async () => {
  const store = openStoreIn(folder);
  store.close();
  await expect(store.write(() => store.meta.set("late", "words"))).rejects.toMatchObject({ code: "unavailable" });
});
