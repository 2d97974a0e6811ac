import type { Feed } from "../eventlog/feed.ts";
import type { QuestionRow, QuestionState } from "../store/questions.ts";
import type { Store, Tx } from "../store/store.ts";
import type { QuestionView } from "../wire/agent.ts";
import { HiveError } from "../wire/error.ts";
import { instant } from "../wire/instant.ts";
import { MAX_OPEN_QUESTIONS } from "../wire/limits.ts";
import type { Parsed } from "../wire/operations.ts";
import type { Broker } from "./broker.ts";
import type { Directory } from "./directory.ts";
import type { Service } from "../lib/services.ts";
import { Moment } from "../lib/timers.ts";

/** Pause before retrying an expiry that could not be stored. Milliseconds. */
const RETRY_MS = 10_000;
/** Closed questions in one listing. */
const MAX_LISTED = 200;

export interface QuestionDeps {
  store: Store;
  feed: Feed;
  broker: Broker;
  directory: Directory;
  onUnexpected(error: unknown): void;
  now?: () => number;
}

/** Questions to the operator. The asking agent is notified of every end: answered, expired or cancelled. */
export class Questions implements Service {
  readonly #deps: QuestionDeps;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** The expiry of each open question that has one. */
  readonly #ends = new Map<number, Moment>();

  constructor(deps: QuestionDeps) {
    this.#deps = deps;
    this.#now = deps.now ?? Date.now;
  }

  /** Expires questions from now on. */
  start(): void {
    this.#arm();
  }

  /** Stores a question and returns it at once. */
  async ask(agentId: string, input: Parsed<"ask_operator">): Promise<QuestionView> {
    const { store } = this.#deps;
    const options = input.options ?? [];
    if (new Set(options).size < options.length) throw new HiveError("bad_request", "options: two of them are the same");
    const row = await store.write((tx) => {
      this.#deps.broker.checkMayAsk(agentId);
      const open = store.questions.open().filter((one) => one.agent === agentId);
      if (open.length >= MAX_OPEN_QUESTIONS) {
        throw new HiveError("rate_limited", `${MAX_OPEN_QUESTIONS} of your questions are open already: wait for answers`);
      }
      const now = this.#now();
      const id = store.nextSeq();
      const asked: QuestionRow = {
        id,
        seq: id,
        agent: agentId,
        question: input.question,
        options: JSON.stringify(options),
        multi: Number(input.multi === true),
        state: "open",
        answer: null,
        asked_at: now,
        expires_at: input.ttl_seconds === undefined ? null : now + input.ttl_seconds * 1000,
        closed_at: null,
      };
      store.questions.insert(asked);
      this.#tell(tx, asked);
      return asked;
    });
    this.#arm();
    return this.#view(row);
  }

  list(query: { all: boolean }): QuestionView[] {
    const rows = query.all ? this.#deps.store.questions.newest(MAX_LISTED) : this.#deps.store.questions.open();
    return rows.map((row) => this.#view(row));
  }

  /** Answers with options by their text, free text, or both. */
  async answer(input: Parsed<"answer">): Promise<QuestionView> {
    const question = this.#open(input.id);
    const offered = JSON.parse(question.options) as string[];
    const chosen = input.options ?? [];
    const text = input.text?.trim() ?? "";
    const unknown = chosen.find((option) => !offered.includes(option));
    if (unknown !== undefined)
      throw new HiveError("bad_request", `options: ${JSON.stringify(unknown.slice(0, 120))} was not offered`);
    if (chosen.length > 1 && question.multi === 0) throw new HiveError("bad_request", "options: this question takes one");
    if (chosen.length === 0 && text === "") throw new HiveError("bad_request", "choose an option or write an answer");
    return this.#close(question, "answered", [...chosen, ...(text === "" ? [] : [text])].join("\n"));
  }

  cancel(id: number): Promise<QuestionView> {
    return this.#close(this.#open(id), "cancelled", null);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #open(id: number): QuestionRow {
    const row = this.#deps.store.questions.byId(id);
    if (!row) throw new HiveError("not_found", `there is no question ${id}`);
    if (row.state !== "open") throw new HiveError("conflict", `question ${id} is ${row.state} already`);
    return row;
  }

  async #close(question: QuestionRow, state: QuestionState, answer: string | null): Promise<QuestionView> {
    const { store, broker, directory } = this.#deps;
    const asker = directory.byId(question.agent);
    const closed = await store.write((tx) => {
      // Two tabs may answer at once; the first answer counts.
      this.#open(question.id);
      const next: QuestionRow = { ...question, state, answer, seq: store.nextSeq(), closed_at: this.#now() };
      store.questions.close(next.id, next.seq, state, answer, next.closed_at ?? 0);
      this.#tell(tx, next);
      const told = answer === null ? {} : { answer };
      if (asker)
        broker.tellFromSystem(tx, asker, {
          event: "operator_answered",
          question_id: next.id,
          question: next.question,
          state,
          ...told,
        });
      return next;
    });
    this.#arm();
    return this.#view(closed);
  }

  /** Sets one timer for the nearest expiry, but not before `pauseMs`. */
  #arm(pauseMs = 0): void {
    clearTimeout(this.#timer);
    // A running expiry may finish after `stop`.
    if (this.#stopped) return;
    const open = this.#deps.store.questions.expiring();
    for (const id of this.#ends.keys()) if (!open.some((row) => row.id === id)) this.#ends.delete(id);
    for (const { id, expires_at } of open)
      if (expires_at !== null && !this.#ends.has(id)) this.#ends.set(id, new Moment(expires_at, this.#now));
    if (this.#ends.size === 0) return;
    let nearest = Infinity;
    for (const end of this.#ends.values()) nearest = Math.min(nearest, end.pause);
    this.#timer = setTimeout(() => void this.runOnce().catch(this.#deps.onUnexpected), Math.max(nearest, pauseMs));
    this.#timer.unref();
  }

  /** Expires every question whose time has come. */
  async runOnce(): Promise<void> {
    let failed = false;
    for (const row of this.#deps.store.questions.expiring()) {
      if (!this.#ends.get(row.id)?.hasCome) continue;
      try {
        await this.#close(row, "expired", null);
      } catch (error) {
        // A question that was answered at the moment of its expiry stays answered. A failed expiry does not stop the
        // others.
        if (error instanceof HiveError && error.code === "conflict") continue;
        failed = true;
        this.#deps.onUnexpected(error);
      }
    }
    this.#arm(failed ? RETRY_MS : 0);
  }

  #tell(tx: Tx, row: QuestionRow): void {
    tx.afterCommit(() => this.#deps.feed.publish({ kind: "question", seq: row.seq, question: this.#view(row) }));
  }

  #view(row: QuestionRow): QuestionView {
    return questionView(row, (id) => this.#deps.directory.nameOf(id));
  }
}

/** A question as it is shown. Unknown fields are absent. */
export function questionView(row: QuestionRow, nameOf: (id: string) => string): QuestionView {
  const view: QuestionView = {
    id: row.id,
    seq: row.seq,
    agent: nameOf(row.agent),
    question: row.question,
    options: JSON.parse(row.options) as string[],
    multi: row.multi === 1,
    state: row.state,
    asked_at: instant(row.asked_at),
  };
  if (row.answer !== null) view.answer = row.answer;
  if (row.expires_at !== null) view.expires_at = instant(row.expires_at);
  if (row.closed_at !== null) view.closed_at = instant(row.closed_at);
  return view;
}
