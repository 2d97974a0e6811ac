import { randomUUID } from "node:crypto";
import type { Feed } from "../eventlog/feed.ts";
import type { Bus } from "../lib/bus.ts";
import type { RateLimit } from "../lib/token-bucket.ts";
import type { Service } from "../lib/services.ts";
import { newMessage, type MessageRow } from "../store/messages.ts";
import type { Store, Tx } from "../store/store.ts";
import type { ByCall } from "../wire/by-call.ts";
import { HiveError } from "../wire/error.ts";
import { MAX_HELD_MESSAGES, MAX_INBOX_MESSAGES } from "../wire/limits.ts";
import type { MessageView } from "../wire/message.ts";
import { MANAGER, OPERATOR, SYSTEM } from "../wire/names.ts";
import { noticeKey, type Notice } from "../wire/notices.ts";
import type { Output } from "../wire/operations.ts";
import { reachableNames, type Directory, type Principal } from "./directory.ts";
import { ChangedInboxes } from "./changed.ts";
import type { MessageEvents } from "./events.ts";
import { Inboxes } from "./inboxes.ts";
import { LeaseEnds } from "./lease-ends.ts";
import { noticeBody } from "./notice-body.ts";
import { OperatorInbox } from "./operator-inbox.ts";
import { DEFAULT_SEND_RATE, SendRate } from "./rate.ts";
import { DEFAULT_LOOP_LIMITS, Loops, type LoopLimits } from "./loops.ts";
import { ALL_AGENTS, missedBy, recipientsOf } from "./recipients.ts";
import { Repairs } from "./repairs.ts";
import type { Draft, Sender } from "./sender.ts";
import { leasedMessage, messageView } from "./view.ts";
import { Waiters, type Served, type Waiter } from "./waiters.ts";

export interface BrokerDeps {
  store: Store;
  feed: Feed;
  directory: Directory;
  bus: Pick<Bus<MessageEvents>, "emit">;
  /** The number of hops after which the messages of a chain are held for the operator. */
  maxHops: number;
  /** After a start, how long a harness may take to present its leases. Milliseconds. */
  leaseGraceMs: number;
  /** What a loop of agents may use before its messages are held for the operator. */
  loopLimits?: LoopLimits;
  sendRate?: RateLimit;
  /** The budget of messages of an agent. */
  messageRate?: {
    take(tx: Pick<Tx, "onRollback">, sender: string, count: number): void;
    giveBack(sender: string, count: number): void;
  };
  /** Reports that background work has failed. */
  onUnexpected(error: unknown): void;
  now?: () => number;
}

/** The place of a message in the chain that it continues. */
interface Link {
  chain: number;
  hops: number;
}

/**
 * Durable messages between agents, operator and system. Guarantees: `send` answers after the message is on stable
 * storage; an acknowledged message is never redelivered, and an unacknowledged one is never lost; each inbox keeps the
 * order of the writer; nothing is polled.
 *
 * Each decision is made inside the write that executes it, on the rows themselves. Memory holds the waiters and, per
 * inbox, the queued and leased messages (`Inboxes`). A send to an inbox with a waiter stores the message and its lease
 * in the same commit.
 */
export class Broker implements Service {
  readonly #store: Store;
  readonly #feed: Feed;
  readonly #directory: Directory;
  readonly #maxHops: number;
  readonly #onUnexpected: (error: unknown) => void;
  readonly #now: () => number;
  readonly #rate: SendRate;
  readonly #messageRate: BrokerDeps["messageRate"];
  readonly #waiters = new Waiters();
  /** Inboxes that are not served: those of paused or parked agents. */
  readonly #unserved = new Set<string>();
  /** Inboxes whose harness was asked to sleep. They are not served until a new harness says hello. */
  readonly #asleep = new Set<string>();
  readonly #inboxes: Inboxes;
  /** Agents that message one another in circles. */
  readonly loops: Loops;
  /** Ends leases. */
  readonly leases: LeaseEnds;
  /** The operator's inbox. */
  readonly operator: OperatorInbox;
  /** What the operator does with stuck messages. */
  readonly repairs: Repairs;
  readonly #bus: Pick<Bus<MessageEvents>, "emit">;
  readonly #changed = new ChangedInboxes((inbox) => this.#bus.emit("inbox_changed", inbox));

  constructor(deps: BrokerDeps) {
    this.#store = deps.store;
    this.#feed = deps.feed;
    this.#directory = deps.directory;
    this.#bus = deps.bus;
    this.operator = new OperatorInbox(
      deps.store,
      (row) => this.#viewOf(row),
      () => this.#changed.add(OPERATOR),
    );
    this.#maxHops = deps.maxHops;
    this.#onUnexpected = deps.onUnexpected;
    this.#now = deps.now ?? Date.now;
    this.#rate = new SendRate(deps.sendRate ?? DEFAULT_SEND_RATE, this.#now);
    this.loops = new Loops({
      store: deps.store,
      limits: deps.loopLimits ?? DEFAULT_LOOP_LIMITS,
      nameOf: (id) => this.#directory.nameOf(id),
      now: this.#now,
    });
    this.#messageRate = deps.messageRate;
    const leased = this.#store.messages.allLeased();
    this.#inboxes = new Inboxes(this.#store, leased, this.#now, (row) => this.#afterChange(row));
    this.leases = new LeaseEnds({
      store: this.#store,
      inboxes: this.#inboxes,
      waiters: this.#waiters,
      orphans: leased,
      graceMs: deps.leaseGraceMs,
      onUnexpected: deps.onUnexpected,
      nudge: (agentId) => this.#nudge(agentId),
      woke: (agentId) => void this.#asleep.delete(agentId),
      died: (tx, row) => this.#announceDead(tx, row),
    });
    this.repairs = new Repairs({
      store: this.#store,
      inboxes: this.#inboxes,
      loops: this.loops,
      now: this.#now,
      nameOf: (id) => this.#directory.nameOf(id),
      nudge: (agentId) => this.#nudge(agentId),
      view: (id) => this.#viewOf(this.#inboxes.found(id)),
    });
  }

  // Sending

  /** Stores a message for each recipient. Resolves after the commit. Stores the same `client_id` only once. */
  send(sender: Sender, draft: Draft): Promise<Output<"send">> {
    return new Promise(this.sending(sender, draft));
  }

  /** The callback form of `send`. */
  sending(sender: Sender, draft: Draft): ByCall<Output<"send">> {
    return this.#store.writing((tx) => {
      // Checked first. A repeated send is answered even if the recipient, the config or the rate has changed since.
      const earlier = this.stored(sender, draft);
      if (earlier) return earlier;
      const from = this.#principal(sender.id);
      const { recipients, refused } = recipientsOf(this.#directory, from, sender, draft.to);
      const isAgent = sender.id !== OPERATOR && sender.id !== SYSTEM;
      if (isAgent) this.#rate.take(sender.id, recipients.length);
      this.#checkReply(sender.id, draft.in_reply_to);
      // Undone with the write. The rate above also counts what is refused: it bounds what agents ask for.
      if (isAgent) this.#messageRate?.take(tx, sender.id, recipients.length);
      const chain = this.#chainOf(sender.id);
      // Use `push`, not `map`. JSON.stringify takes three times as long for an array that could have holes.
      const sent: Output<"send">["sent"] = [];
      for (const to of recipients) {
        const held = this.#whyHeld(sender.id, to.id, chain);
        const full = this.#whyFull(to, held !== undefined);
        if (full === undefined) sent.push(this.#receipt(this.#deliver(tx, sender, to, draft, { chain, held })));
        else if (draft.to === ALL_AGENTS) refused.push({ to: to.name, error: full });
        else throw new HiveError("rate_limited", full);
      }
      if (isAgent && sent.length < recipients.length) this.#messageRate?.giveBack(sender.id, recipients.length - sent.length);
      return { sent, duplicate: false, refused };
    });
  }

  /** The answer to a draft whose `client_id` this sender has used before. */
  stored(sender: Sender, { client_id, to }: Pick<Draft, "client_id" | "to">): Output<"send"> | undefined {
    if (client_id === undefined) return undefined;
    const rows = this.#store.messages.byClientId(sender.id, client_id);
    if (rows.length === 0) return undefined;
    return {
      sent: rows.map((row) => this.#receipt(row)),
      duplicate: true,
      refused: to === ALL_AGENTS ? missedBy(this.#directory, sender, rows) : [],
    };
  }

  #checkReply(sender: string, inReplyTo: number | undefined): void {
    if (inReplyTo === undefined || sender === OPERATOR) return;
    const original = this.#store.messages.byId(inReplyTo);
    if (!original || (original.sender !== sender && original.recipient !== sender)) {
      throw new HiveError("not_found", `in_reply_to: there is no message ${inReplyTo} that you sent or received`);
    }
  }

  /** The chain of the message that an agent is handling. */
  chainOf(agentId: string): number | undefined {
    return this.#inboxes.handling(agentId)?.chain;
  }

  /** The chain that a sender's message continues: the chain of the newest message that it is handling. */
  #chainOf(sender: string): Link | undefined {
    if (sender === OPERATOR || sender === SYSTEM) return undefined;
    const handling = this.#inboxes.handling(sender);
    return handling && { chain: handling.chain, hops: handling.hops + 1 };
  }

  #deliver(
    tx: Tx,
    sender: Sender,
    to: Principal,
    draft: Draft,
    { chain, held, notice = null }: { chain?: Link | undefined; held?: string | undefined; notice?: string | null },
  ): MessageRow {
    const id = this.#store.nextSeq();
    const row = newMessage(id, this.#now(), {
      sender: sender.id,
      label: sender.label ?? null,
      recipient: to.id,
      client_id: draft.client_id ?? null,
      in_reply_to: draft.in_reply_to ?? null,
      chain: chain?.chain ?? id,
      hops: chain?.hops ?? 0,
      body: draft.body,
      notice,
    });
    if (to.id === OPERATOR) {
      // The operator's inbox is the message history, so a stored message is delivered.
      row.state = "done";
      tx.afterCommit(() => this.operator.arrived());
    } else if (held !== undefined) {
      row.state = "held";
      row.reason = held;
      if (chain) this.loops.held(tx, { ...chain, from: sender.id, to: to.id });
    } else {
      if (chain) this.loops.sent(tx, { ...chain, from: sender.id, to: to.id });
      // If older mail is queued, the waiter is about to get that first. No message overtakes it.
      const isFirst = this.#servable(to.id) && this.unread(to.id) === 0;
      const waiter = isFirst ? this.#waiters.take(to.id) : undefined;
      if (waiter) this.#leaseTo(tx, row, to.id, waiter);
    }
    this.#inboxes.add(tx, row);
    return row;
  }

  /** Why a message waits for the operator: its chain has too many hops, or is a loop that has cost enough. */
  #whyHeld(from: string, to: string, chain: Link | undefined): string | undefined {
    if (!chain || to === OPERATOR) return undefined;
    if (chain.hops > this.#maxHops)
      return `agents have answered each other ${chain.hops} times without you: release it or drop it`;
    return this.loops.whyHeld({ ...chain, from, to });
  }

  /** Why a send is refused. The limit of an inbox applies to senders, never to the daemon's notices. */
  #whyFull(to: Principal, isHeld: boolean): string | undefined {
    if (to.id === OPERATOR) return undefined;
    if (isHeld) {
      if (this.#store.messages.heldCount(to.id) < MAX_HELD_MESSAGES) return undefined;
      return `${MAX_HELD_MESSAGES} messages to ${to.name} are held already: the operator must release or drop them first`;
    }
    if (this.unread(to.id) < MAX_INBOX_MESSAGES) return undefined;
    return `the inbox of ${to.name} is full (${MAX_INBOX_MESSAGES} messages wait): try later`;
  }

  /** Throws if the agent's inbox is full. The agent may then not ask for anything whose answer arrives there. */
  checkMayAsk(agentId: string): void {
    if (this.unread(agentId) >= MAX_INBOX_MESSAGES)
      throw new HiveError("rate_limited", `your inbox is full (${MAX_INBOX_MESSAGES} messages wait): read some, then ask again`);
  }

  #receipt(row: MessageRow): Output<"send">["sent"][number] {
    return { id: row.id, to: this.#directory.nameOf(row.recipient), state: row.state };
  }

  /**
   * Stores a notice of the daemon in an agent's inbox, in the transaction of the fact that it reports. Never refuses;
   * `NOTICES` documents the bound of each kind.
   */
  notify(tx: Tx, to: Principal, notice: Notice): void {
    const key = noticeKey(notice);
    if (key !== null) this.#inboxes.dropNotices(tx, to.id, key);
    this.#deliver(tx, { id: SYSTEM }, to, { to: to.name, body: noticeBody(notice) }, { notice: key });
  }

  #announceDead(tx: Tx, row: MessageRow): void {
    const manager = this.#directory.byName(MANAGER);
    if (!manager || row.recipient === manager.id) return;
    this.notify(tx, manager, {
      event: "message_dead",
      message_id: row.id,
      from: this.#directory.nameOf(row.sender),
      to: this.#directory.nameOf(row.recipient),
      reason: row.reason,
    });
  }

  // Leasing

  /**
   * Leases the next message for a turn. Waits while the connection lives. Uses callbacks so that the receiver gets the
   * message before its sender is answered.
   */
  next(agentId: string, instance: string, ended: AbortSignal): ByCall<Served> {
    return (done, failed) => {
      const gone = (): void => failed(new HiveError("unavailable", "the connection ended"));
      this.#wait("next", agentId, instance, ended, undefined, { resolve: done, gone, reject: failed });
    };
  }

  /** Adds the next message to the running turn. Waits up to `seconds`; does not wait if that is undefined or 0. */
  async recv(agentId: string, instance: string, seconds: number | undefined, ended: AbortSignal): Promise<Output<"recv">> {
    const running = this.#store.messages.leased(agentId).some((row) => row.instance === instance);
    if (!running) throw new HiveError("conflict", "no turn is running: messages are delivered when one begins");
    const served = await new Promise<Served | undefined>((resolve, reject) => {
      this.#wait("recv", agentId, instance, ended, (seconds ?? 0) * 1000, { resolve, gone: () => resolve(undefined), reject });
    });
    if (!served || "sleep" in served) return { unread: this.unread(agentId) };
    return { message: served.message, token: served.token, unread: served.unread };
  }

  /**
   * Waits `waitMs` milliseconds: 0 does not wait, undefined waits without limit. Calls exactly one of `callbacks`, once.
   */
  #wait(
    kind: Waiter["kind"],
    agentId: string,
    instance: string,
    ended: AbortSignal,
    waitMs: number | undefined,
    callbacks: { resolve(served: Served): void; gone(): void; reject(error: unknown): void },
  ): void {
    if (ended.aborted) return callbacks.gone();
    let timer: NodeJS.Timeout | undefined;
    const waiter: Waiter = {
      kind,
      instance,
      ended,
      resolve(served) {
        clearTimeout(timer);
        callbacks.resolve(served);
      },
      abandon() {
        clearTimeout(timer);
        callbacks.gone();
      },
    };
    const giveUp = (): void => {
      // If removal fails, the waiter is taken for a message that is committed and not delivered yet.
      if (this.#waiters.remove(agentId, waiter)) waiter.abandon();
    };
    // Queued mail comes first. Only an empty inbox makes the call wait.
    const first = this.#servable(agentId) && this.hasMail(agentId);
    if (!first && waitMs === 0) return callbacks.gone();
    this.#waiters.add(agentId, waiter);
    if (waitMs !== undefined && waitMs > 0) timer = setTimeout(giveUp, waitMs);
    if (!first) return;
    this.#serveWaiting(agentId).then(
      () => waitMs === 0 && giveUp(),
      (error: unknown) => {
        this.#waiters.remove(agentId, waiter);
        clearTimeout(timer);
        callbacks.reject(error);
      },
    );
  }

  /** Leases queued messages to waiters, in one commit. */
  async #serveWaiting(agentId: string): Promise<void> {
    await this.#store.write((tx) => {
      while (this.#servable(agentId) && this.#waiters.has(agentId)) {
        const row = this.#inboxes.first(agentId);
        const waiter = row && this.#waiters.take(agentId);
        if (!row || !waiter) return;
        const leased = { ...row };
        this.#leaseTo(tx, leased, agentId, waiter);
        const { state, instance, token } = leased;
        this.#inboxes.change(tx, row, { state, instance, token });
      }
    });
  }

  /** Leases `row` to `waiter`. The waiter is resolved after the commit and waits again if the commit fails. */
  #leaseTo(tx: Tx, row: MessageRow, inbox: string, waiter: Waiter): void {
    row.state = "leased";
    row.instance = waiter.instance;
    // `randomUUID` buffers its randomness. `randomBytes` would take a system call each time.
    row.token = randomUUID();
    tx.onRollback(() => this.#waiters.putBack(inbox, waiter));
    tx.afterCommit(() =>
      waiter.resolve({
        message: leasedMessage(row, (id) => this.#directory.nameOf(id)),
        token: row.token ?? "",
        unread: this.unread(inbox),
      }),
    );
  }

  #servable(inbox: string): boolean {
    return !this.#unserved.has(inbox) && !this.#asleep.has(inbox);
  }

  /** Stops or resumes the delivery of an agent's mail. */
  setServed(agentId: string, served: boolean): void {
    if (!served) {
      this.#unserved.add(agentId);
      return;
    }
    if (this.#unserved.delete(agentId)) this.#nudge(agentId);
  }

  /** Serves the waiters of an agent that may have mail, or wakes its cage. */
  #nudge(agentId: string): void {
    if (!this.#servable(agentId) && !this.#asleep.has(agentId)) return;
    if (!this.hasMail(agentId)) return;
    if (this.#waiters.has(agentId) && this.#servable(agentId)) this.#serveWaiting(agentId).catch(this.#onUnexpected);
    else if (!this.#unserved.has(agentId)) this.#bus.emit("mail_waiting", agentId);
  }

  /**
   * Asks the agent's harness to sleep if it waits for its next turn and has no work. Later messages go to the next
   * harness that says hello. Runs synchronously, so no message can arrive in between.
   */
  offerSleep(agentId: string): boolean {
    const waiter = this.#waiters.onlyNext(agentId);
    if (!waiter || this.hasMail(agentId) || this.isHandling(agentId)) return false;
    this.#waiters.take(agentId);
    this.#asleep.add(agentId);
    waiter.resolve({ sleep: true });
    return true;
  }

  // Queries

  /** The queued messages of an inbox, in delivery order. */
  queued(inbox: string): readonly number[] {
    return this.#inboxes.queued(inbox);
  }
  /** Number of queued messages. */
  unread(agentId: string): number {
    return this.#inboxes.unread(agentId);
  }
  /** True while a turn holds messages of this inbox. */
  isHandling(agentId: string): boolean {
    return this.#inboxes.isHandling(agentId);
  }
  hasMail(agentId: string): boolean {
    return this.#inboxes.unread(agentId) > 0;
  }
  /** The names that an agent may send to. */
  reachable(agentId: string): string[] {
    return reachableNames(this.#directory, this.#principal(agentId));
  }

  /** Starts the grace period for leases from before the start. The agents' sockets are open by then. */
  start(): void {
    this.leases.start();
  }

  stop(): void {
    this.leases.stop();
    this.#changed.stop();
  }

  // Helpers

  #principal(id: string): Principal {
    if (id === OPERATOR || id === SYSTEM) return { id, name: id };
    const principal = this.#directory.byId(id);
    if (!principal) throw new HiveError("forbidden", "this agent has been destroyed");
    return principal;
  }

  /** Runs after the commit: publishes the row, and wakes a cage if a queued message has no waiter. */
  #afterChange(row: MessageRow): void {
    if (this.#feed.readers > 0) this.#feed.publish({ kind: "message", seq: row.seq, message: this.#viewOf(row) });
    this.#changed.add(row.recipient);
    if (row.recipient === OPERATOR) return;
    if (row.state === "queued") this.#nudge(row.recipient);
  }

  #viewOf(row: MessageRow): MessageView {
    return messageView(row, (id) => this.#directory.nameOf(id));
  }
}
