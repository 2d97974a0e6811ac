import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import { openHiveId } from "./hive-id.ts";

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "hive-id-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a hive keeps the id of its first start", async () => {
  const first = openStoreIn(folder);
  const id = await openHiveId(first);
  expect(id).toMatch(/^[0-9a-f]{8}$/);
  first.close();
  const next = openStoreIn(folder);
  expect(await openHiveId(next)).toBe(id);
  next.close();
});
