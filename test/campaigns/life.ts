import Database from "better-sqlite3";
import { existsSync, readFileSync, writeSync } from "node:fs";
import type { Served } from "../../src/messages/waiters.ts";
import { MIGRATIONS } from "../../src/store/schema.ts";
import { openStore } from "../../src/store/store.ts";
import { openWorld } from "./world.ts";

/**
 * The life of a message and of an event batch, which the fault campaign breaks at every point. `life <database>
 * [marks]` runs it and prints a line for each acknowledgement. `old <database>` makes a database of the first schema
 * with a message in it. `check <database> <lines> <scene>` opens the database as the daemon would, and counts.
 */
const say = (words: string): void => void writeSync(1, `${words}\n`);
const instance = "life-instance";
/** Sends that share the first commit. */
const SHARING = 8;
/** The message of the old database. */
const OLD = { id: 1, body: "from the first schema" };

function old(file: string): void {
  const db = new Database(file);
  db.exec(MIGRATIONS[0] ?? "");
  db.pragma("user_version = 1");
  db.prepare(
    `INSERT INTO messages (id, seq, sender, recipient, chain, hops, state, redelivered, failures, created_at, updated_at, body)
     VALUES (?, 1, 'operator', 'agent-1', 1, 0, 'queued', 0, 0, 0, 0, ?)`,
  ).run(OLD.id, OLD.body);
  db.close();
}

function check(file: string, log: string, scene: string): void {
  const store = openStore({
    file,
    onFatal(error) {
      throw error;
    },
  });
  const counts = { acknowledged: 0, lost: 0, integrity: "" };
  const expectThat = (holds: boolean): void => {
    counts.acknowledged++;
    if (!holds) counts.lost++;
  };
  for (const line of readFileSync(log, "utf8").split("\n")) {
    const [kind, id, body] = line.split(" ");
    if (kind === "sent") expectThat(store.messages.byId(Number(id))?.body === body);
    if (kind === "done") expectThat(store.messages.byId(Number(id))?.state === "done");
    if (kind === "events") expectThat(store.turns.confirmedN("agent-0", instance) === Number(id));
  }
  if (scene === "migration") expectThat(store.messages.byId(OLD.id)?.body === OLD.body);
  store.close();
  const db = new Database(file, { readonly: true });
  counts.integrity = String(db.pragma("integrity_check", { simple: true }));
  db.close();
  say(JSON.stringify(counts));
}

async function life(file: string, marks: string): Promise<void> {
  const { store, broker, ids } = openWorld(file, 2);
  const [agent = ""] = ids;
  /** Marks the end of a part in the trace of system calls, by checking whether a file exists. */
  const mark = (): void => void (marks !== "" && existsSync(marks));
  say("open");
  mark();
  /** A refusal is an answer too: what was refused is not acknowledged, and the life continues. */
  async function step(words: string, run: () => Promise<string>): Promise<void> {
    try {
      say(`${words} ${await run()}`);
    } catch (error) {
      say(`refused ${words} ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const send = (n: number): Promise<void> =>
    step("sent", async () => {
      const { sent } = await broker.send({ id: "operator" }, { to: agent, body: `body-${n}` });
      return `${sent[0]?.id ?? 0} body-${n}`;
    });
  // First of all, so that a fault finds them by their number: these share a commit.
  await Promise.all(Array.from({ length: SHARING }, (_, n) => send(3 + n)));
  mark();
  await step("present", async () => String((await broker.leases.present(agent, instance, [])).length));
  for (let n = 0; n < 3; n++) await send(n);
  mark();
  for (let n = 0; n < 2; n++) {
    let id = 0;
    await step("leased", async () => {
      // If the sends were refused, there is nothing to lease.
      if (!broker.hasMail(agent)) throw new Error("no mail");
      const served = await new Promise<Served>(broker.next(agent, instance, new AbortController().signal));
      if ("sleep" in served) return "sleep";
      id = served.message.id;
      return String(id);
    });
    if (id > 0) {
      await step("done", async () => {
        await broker.leases.finish(agent, instance, { kind: "ok" });
        return String(id);
      });
    }
  }
  mark();
  await step("events", async () => {
    const at = new Date().toISOString();
    const events = [1, 2, 3].map((n) => ({ n, at, event: { type: "text" as const, text: `text-${n}` } }));
    const stored = await store.write(() => store.turns.append(agent, agent, instance, events, store.nextSeq));
    return String(stored.confirmedN);
  });
  mark();
  broker.stop();
  store.close();
  say("closed");
}

const [mode, file = "", log = "", scene = ""] = process.argv.slice(2);
if (mode === "old") old(file);
else if (mode === "check") check(file, log, scene);
else await life(file, log);
