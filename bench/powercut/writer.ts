import { appendFileSync, closeSync, openSync, writeSync } from "node:fs";
import { Feed } from "../../src/eventlog/feed.ts";
import { Broker } from "../../src/hive/broker/broker.ts";
import type { Directory, Principal } from "../../src/hive/directory.ts";
import { openStore } from "../../src/store/store.ts";

/** How many send at once, each waiting for its answer. */
const SENDERS = 64;

/**
 * The broker over its store, in a process of its own, with 64 senders. Every answer is written to `log`, on another file
 * system, before the sender goes on: what is in there was promised. Runs until it is killed or the disk fails.
 */
export async function writer([file = "", log = ""]: string[]): Promise<void> {
  const store = openStore({
    file,
    onFatal(error) {
      appendFileSync(`${log}.end`, `${error.message}\n`);
      process.exit(70);
    },
  });
  const names = Array.from({ length: 8 }, (_, at) => `a${at}`);
  const principals: Principal[] = names.map((name) => ({ id: name, name }));
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
  const broker = new Broker({ store, feed, directory, maxHops: 10_000, leaseGraceMs: 60_000 });
  const fd = openSync(log, "a");
  process.on("exit", () => closeSync(fd));
  let nth = 0;
  const run = async (): Promise<void> => {
    for (;;) {
      const body = `${nth++} ${"x".repeat(200)}`;
      const { sent } = await broker.send({ id: "operator" }, { to: names[nth % names.length] ?? "", body });
      writeSync(fd, `${sent[0]?.id} ${body.split(" ")[0]}\n`);
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, run)).catch(() => process.exit(70));
}
