import { join } from "node:path";
import { openStore, type Store, type StoreOptions } from "../../src/store/store.ts";

/** The store of a hive whose state is in this folder. A failing disk throws where it is noticed. */
export function openStoreIn(folder: string, options: Pick<StoreOptions, "quickSyncMs"> = {}): Store {
  return openStore({
    ...options,
    file: join(folder, "hive.db"),
    onFatal(error) {
      throw error;
    },
  });
}
