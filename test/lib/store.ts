import { join } from "node:path";
import { openStore, type Store } from "../../src/store/store.ts";

/** The store of a hive whose state is in this folder. A disk that fails throws where it is noticed. */
export function openStoreIn(folder: string): Store {
  return openStore({
    file: join(folder, "hive.db"),
    onFatal(error) {
      throw error;
    },
  });
}
