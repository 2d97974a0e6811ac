import type { Feed } from "../eventlog/feed.ts";
import type { Store, Tx } from "../store/store.ts";
import { MANAGER, SYSTEM } from "../wire/names.ts";
import { isNoticeKind } from "../wire/notices.ts";
import { begunBy, endedBy, RESETS, type StatePair } from "../wire/pairs.ts";
import { systemWords } from "../wire/system-event.ts";
import type { Broker } from "./broker.ts";
import type { Principal } from "./directory.ts";

/** Something that happened to an agent: its kind, the agent's name, and details. */
export interface Happening {
  event: string;
  agent: string;
  reason?: string | undefined;
  [detail: string]: unknown;
}

export interface AnnouncementDeps {
  store: Store;
  feed: Feed;
  broker: Broker;
  agents: {
    manager(): Principal | undefined;
    /** An agent's id, and the request that is being deployed for it. */
    find(name: string): { id: string; deploying: number | undefined } | undefined;
  };
  log: { info(details: object, event: string): void };
  onUnexpected(error: unknown): void;
  now(): number;
}

/**
 * Reports what happens to agents in the audit trail, in the agent's tail, and to the manager if the kind is a notice.
 * Each report is one transaction. The end of a pair (`PAIRS`) is reported only if its begin was.
 */
export class Announcements {
  readonly #deps: AnnouncementDeps;

  constructor(deps: AnnouncementDeps) {
    this.#deps = deps;
  }

  /** Announces an event. Resolves after the commit. Never rejects: failures go to `onUnexpected`. */
  async announce(
    happening: Happening,
    { toManager = true, actor = SYSTEM }: { toManager?: boolean; actor?: string } = {},
  ): Promise<void> {
    const { store, log, onUnexpected } = this.#deps;
    const { event: kind, ...details } = happening;
    const { agent } = happening;
    const begins = begunBy(kind);
    if (begins && !begins.repeats && this.#isOpen(agent, begins)) return;
    log.info(details, kind);
    await store
      .write((tx) => {
        // Read this before the event's own line is written.
        const ended = endedBy(kind).some((pair) => this.#isOpen(agent, pair));
        const isNews = begins !== undefined || ended || endedBy(kind).length === 0;
        this.#audit(happening, actor);
        if (begins !== undefined || ended) this.#note(tx, happening, ended ? "info" : "warn");
        if (toManager && isNews) this.#notifyManager(tx, happening);
      })
      .catch(onUnexpected);
  }

  /** Reports the end of a pair if it has begun. Otherwise it costs one query. */
  async announceEnd(kind: string, agent: string): Promise<void> {
    if (endedBy(kind).some((pair) => this.#isOpen(agent, pair))) await this.announce({ event: kind, agent });
  }

  #isOpen(agent: string, { begin, ends }: StatePair): boolean {
    return this.#deps.store.ledger.newestKind(agent, [...new Set([begin, ...ends, ...RESETS])]) === begin;
  }

  #audit({ event: kind, agent, reason, ...detail }: Happening, actor: string): void {
    const { store, now } = this.#deps;
    const request = this.#deps.agents.find(agent)?.deploying;
    store.ledger.audit(store.nextSeq(), {
      at: now(),
      actor,
      kind,
      agent,
      ...(reason === undefined ? {} : { reason }),
      ...(request === undefined ? {} : { request }),
      ...(Object.keys(detail).length > 0 ? { detail } : {}),
    });
  }

  #note(tx: Tx, happening: Happening, level: "info" | "warn"): void {
    const { store, feed, now } = this.#deps;
    const id = this.#deps.agents.find(happening.agent)?.id;
    const text = systemWords(SYSTEM, JSON.stringify(happening));
    if (id === undefined || text === undefined) return;
    const turn = store.turns.note(id, happening.agent, store.nextSeq(), now(), { type: "note", level, text });
    tx.afterCommit(() => feed.publish({ kind: "turn", seq: turn.seq, turn }));
  }

  #notifyManager(tx: Tx, happening: Happening): void {
    const { broker } = this.#deps;
    const manager = this.#deps.agents.manager();
    const { event: kind, agent } = happening;
    if (manager && agent !== MANAGER && isNoticeKind(kind)) broker.notify(tx, manager, { ...happening, event: kind });
  }
}
