import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store } from "../../src/store/store.ts";

const throwing = {
  onFatal(error: Error) {
    throw error;
  },
};

/** The store of a hive whose state is in this folder. A failing disk throws where it is noticed. */
export function openStoreIn(folder: string): Store {
  const file = join(folder, "hive.db");
  prepareDatabase(file);
  return openStore({ file, ...throwing });
}

/** A database without a row, as a new hive has it. */
let empty: Buffer | undefined;

/** Puts an empty database in place, unless there is one: its tables are made once for all tests of this process. */
export function prepareDatabase(file: string): void {
  if (!existsSync(file)) writeFileSync(file, (empty ??= emptyDatabase()));
}

function emptyDatabase(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "empty-store-"));
  const file = join(folder, "hive.db");
  openStore({ file, ...throwing }).close();
  const bytes = readFileSync(file);
  rmSync(folder, { recursive: true, force: true });
  return bytes;
}
