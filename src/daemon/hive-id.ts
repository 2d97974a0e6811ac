import { randomBytes } from "node:crypto";
import type { Store } from "../store/store.ts";

const META_KEY = "hive_id";

/** The id of the hive in this store. It is chosen and stored at the first start. */
export async function openHiveId(store: Pick<Store, "meta" | "write">): Promise<string> {
  const stored = store.meta.get(META_KEY);
  if (stored !== undefined) return stored;
  const id = randomBytes(4).toString("hex");
  await store.write(() => store.meta.set(META_KEY, id));
  return id;
}
