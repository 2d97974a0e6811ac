import { writeSync } from "node:fs";
import { Bus } from "../../src/lib/bus.ts";
import { Feed } from "../../src/eventlog/feed.ts";
import { Broker } from "../../src/messages/broker.ts";
import type { Directory, Principal } from "../../src/messages/directory.ts";
import { openStore, type Store } from "../../src/store/store.ts";

/** Exit code of a daemon whose disk failed. The programs of the campaigns use the same. */
export const DISK_FAILED = 70;

/** A hive without cages: the product's own store and broker, and agents that are only names. */
export function openWorld(file: string, agents: number, prefix = "agent"): { store: Store; broker: Broker; ids: string[] } {
  const store = openStore({
    file,
    onFatal(error) {
      writeSync(2, `the disk failed: ${error.message}\n`);
      process.exit(DISK_FAILED);
    },
  });
  const ids = Array.from({ length: agents }, (_, n) => `${prefix}-${n}`);
  const principals: Principal[] = ids.map((id) => ({ id, name: id }));
  const directory: Directory = {
    byName: (name) => principals.find((one) => one.name === name),
    byId: (id) => principals.find((one) => one.id === id),
    live: () => principals,
    nameOf: (id) => id,
  };
  const feed = new Feed(
    () => [],
    () => store.seq,
  );
  const broker = new Broker({
    store,
    feed,
    directory,
    bus: new Bus(console.error),
    maxHops: Number.MAX_SAFE_INTEGER,
    leaseGraceMs: 1,
    sendRate: { perSecond: 1e9, burst: 1e9 },
    onUnexpected: (error) => console.error(error),
  });
  broker.start();
  return { store, broker, ids };
}
