import { hivectl } from "../lib/hivectl.ts";
import type { Agent } from "../agents/agent.ts";
import type { Feed } from "../eventlog/feed.ts";
import type { EgressRecord } from "../gateway/egress/proxy.ts";
import type { Directory } from "../messages/directory.ts";
import type { Store } from "../store/store.ts";
import { callWords, reasonOf } from "../wire/egress.ts";
import { CONNECTION_BYTES, type Retention } from "./retention.ts";

/** The denied connections that an agent's tail shows per minute. Further ones are only in the table of connections. */
const MOST_NOTES = 10;
const MINUTE_MS = 60_000;

export interface EgressRecordsDeps {
  store: Store;
  feed: Pick<Feed, "publish">;
  directory: Pick<Directory, "nameOf">;
  agents: { byId(id: string): Pick<Agent, "harness"> | undefined };
  retention: Pick<Retention, "added">;
  now(): number;
}

/** Stores every connection that an agent opened or tried to open, and shows the denied ones on its tail. */
export class EgressRecords {
  readonly #deps: EgressRecordsDeps;
  /** By agent: the start of its current minute, and its denied connections since then. */
  readonly #minutes = new Map<string, { since: number; denied: number }>();

  constructor(deps: EgressRecordsDeps) {
    this.#deps = deps;
  }

  /** Resolves when the connection is stored. */
  async record({ agentId, serverName, call, ...connection }: EgressRecord): Promise<void> {
    const { store, feed, directory, retention, now } = this.#deps;
    const at = now();
    const text = connection.verdict === "allowed" ? undefined : this.#note(agentId, at, { ...connection, serverName, call });
    await store.write((tx) => {
      store.ledger.connect({ agent: agentId, at, ...connection, call: call && JSON.stringify(call) });
      if (text === undefined) return;
      const turn = store.turns.note(agentId, directory.nameOf(agentId), store.nextSeq(), at, {
        type: "note",
        level: "warn",
        text,
      });
      tx.afterCommit(() => feed.publish({ kind: "turn", seq: turn.seq, turn }));
    });
    await retention.added(agentId, CONNECTION_BYTES + (call?.path.length ?? 0));
  }

  /** The text for the tail. Undefined if the tail has reached its limit for this minute. */
  #note(
    agentId: string,
    at: number,
    {
      host,
      port,
      verdict,
      serverName,
      call,
    }: Pick<EgressRecord, "host" | "port" | "verdict" | "call"> & { serverName: string | undefined },
  ): string | undefined {
    let minute = this.#minutes.get(agentId);
    if (!minute || Math.abs(at - minute.since) >= MINUTE_MS) this.#minutes.set(agentId, (minute = { since: at, denied: 0 }));
    minute.denied++;
    if (minute.denied > MOST_NOTES) return undefined;
    const named = serverName === undefined ? "" : `: ${serverName}`;
    const [what, reason] = [call ? callWords(call) : `${host}:${port}`, `${reasonOf(verdict)}${named}`];
    // Before the program that asked gets its answer, so its tool call can still tell of it.
    this.#deps.agents.byId(agentId)?.harness?.push({ push: "denied", words: `${what}, ${reason}` });
    const words = `${call ? "call" : "connection"} denied: ${what} (${reason})`;
    if (minute.denied < MOST_NOTES) return words;
    return `${words}; ${hivectl(`egress ${this.#deps.directory.nameOf(agentId)}`)} lists the others of this minute`;
  }
}
