import Database from "better-sqlite3";
import { openSync, readFileSync, writeSync } from "node:fs";
import type { Served } from "../../src/messages/waiters.ts";
import { openStore } from "../../src/store/store.ts";
import { openWorld } from "./world.ts";

/**
 * The workload `messages` of the power cuts. `write <database> <log>` sends from 64 senders to 8 agents that receive
 * and acknowledge their messages, and logs each acknowledgement to a file that the cuts do not affect. `check
 * <database> <log>` opens the database as the daemon would, and counts.
 */
const SENDERS = 64;
const AGENTS = 8;
/** Prints one line of JSON for the script. */
const say = (value: object): void => void writeSync(1, `${JSON.stringify(value)}\n`);

async function write(file: string, log: string, round: string): Promise<void> {
  // Agents of this round only. Messages that remain from earlier rounds would eventually fill the inboxes.
  const { broker, ids } = openWorld(file, AGENTS, `agent-${round}`);
  const fd = openSync(log, "a");
  const never = new AbortController().signal;
  let acknowledged = 0;
  const note = (kind: "sent" | "done", id: number, body: string): void => {
    // After the promise has resolved, and before anything else happens.
    writeSync(fd, `${kind} ${id} ${body}\n`);
    if (++acknowledged % 100 === 0) say({ acknowledged });
  };
  for (const id of ids) await broker.leases.present(id, round, []);
  say({ acknowledged });
  const senders = Array.from({ length: SENDERS }, async (_, sender) => {
    for (let n = 0; ; n++) {
      const body = `${round}-${sender}-${n}-${"x".repeat(100)}`;
      const { sent } = await broker.send({ id: "operator" }, { to: ids[(sender + n) % AGENTS] ?? "", body });
      note("sent", sent[0]?.id ?? 0, body);
    }
  });
  const takers = ids.map(async (id) => {
    for (;;) {
      const served = await new Promise<Served>(broker.next(id, round, never));
      if ("sleep" in served) return;
      await broker.leases.finish(id, round, { kind: "ok" });
      note("done", served.message.id, served.message.body);
    }
  });
  await Promise.all([...senders, ...takers]);
}

function check(file: string, log: string): void {
  const store = openStore({
    file,
    onFatal(error) {
      throw error;
    },
  });
  const counts = { acknowledged: 0, lost: 0, integrity: "" };
  for (const line of readFileSync(log, "utf8").split("\n").slice(0, -1)) {
    const [kind = "", id = "", body = ""] = line.split(" ");
    const row = store.messages.byId(Number(id));
    counts.acknowledged++;
    // A send must be stored as it was sent. An acknowledged message must never be redelivered.
    if (row?.body !== body || (kind === "done" && row.state !== "done")) counts.lost++;
  }
  store.close();
  const db = new Database(file, { readonly: true });
  counts.integrity = String(db.pragma("integrity_check", { simple: true }));
  db.close();
  say(counts);
}

const [mode, file = "", log = "", round = ""] = process.argv.slice(2);
if (mode === "write") await write(file, log, round);
else check(file, log);
