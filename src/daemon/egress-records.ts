import { hivectl } from "../lib/hivectl.ts";
import type { Feed } from "../eventlog/feed.ts";
import type { EgressRecord } from "../gateway/egress/proxy.ts";
import type { Directory } from "../messages/directory.ts";
import type { Store } from "../store/store.ts";
import { reasonOf } from "../wire/egress.ts";
import { CONNECTION_BYTES, type Retention } from "./retention.ts";

/** Denied connections that an agent's tail shows within a minute: what is more is only in the table of connections. */
const MOST_NOTES = 10;
const MINUTE_MS = 60_000;

export interface EgressRecordsDeps {
  store: Store;
  feed: Pick<Feed, "publish">;
  directory: Pick<Directory, "nameOf">;
  retention: Pick<Retention, "added">;
  now(): number;
}

/** Stores every connection that an agent made or tried, and shows the denied ones on its tail. */
export class EgressRecords {
  readonly #deps: EgressRecordsDeps;
  /** By agent: when its minute began, and its denied connections since. */
  readonly #minutes = new Map<string, { since: number; denied: number }>();

  constructor(deps: EgressRecordsDeps) {
    this.#deps = deps;
  }

  /** Resolves once the connection is stored. */
  async record({ agentId, serverName, ...connection }: EgressRecord): Promise<void> {
    const { store, feed, directory, retention, now } = this.#deps;
    const at = now();
    const text = connection.verdict === "allowed" ? undefined : this.#note(agentId, at, { ...connection, serverName });
    await store.write((tx) => {
      store.ledger.connect({ agent: agentId, at, ...connection });
      if (text === undefined) return;
      const turn = store.turns.note(agentId, directory.nameOf(agentId), store.nextSeq(), at, {
        type: "note",
        level: "warn",
        text,
      });
      tx.afterCommit(() => feed.publish({ kind: "turn", seq: turn.seq, turn }));
    });
    await retention.added(agentId, CONNECTION_BYTES);
  }

  /** The words for the tail, or none where it has had enough of them this minute. */
  #note(
    agentId: string,
    at: number,
    { host, port, verdict, serverName }: Pick<EgressRecord, "host" | "port" | "verdict"> & { serverName: string | undefined },
  ): string | undefined {
    let minute = this.#minutes.get(agentId);
    if (!minute || Math.abs(at - minute.since) >= MINUTE_MS) this.#minutes.set(agentId, (minute = { since: at, denied: 0 }));
    minute.denied++;
    if (minute.denied > MOST_NOTES) return undefined;
    const named = serverName === undefined ? "" : `: ${serverName}`;
    const words = `connection denied: ${host}:${port} (${reasonOf(verdict)}${named})`;
    if (minute.denied < MOST_NOTES) return words;
    return `${words}; ${hivectl(`egress ${this.#deps.directory.nameOf(agentId)}`)} lists those of the next minute`;
  }
}
