import type { Feed } from "../eventlog/feed.ts";
import type { QuestionRow, QuestionState } from "../store/questions.ts";
import type { Store, Tx } from "../store/store.ts";
import type { QuestionView } from "../wire/agent.ts";
import { HiveError } from "../wire/error.ts";
import { instant } from "../wire/instant.ts";
import { MAX_LISTING_BYTES, MAX_OPEN_QUESTIONS, MAX_OPTION_PREVIEW_BYTES, MAX_QUESTION_PREVIEW_BYTES } from "../wire/limits.ts";
import { utf8Bytes } from "../wire/message.ts";
import type { Output, Parsed } from "../wire/operations.ts";
import type { Broker } from "./broker.ts";
import type { Directory } from "./directory.ts";
import type { Service } from "../lib/services.ts";
import { preview } from "../lib/json-bytes.ts";
import { Moment } from "../lib/timers.ts";
import { within } from "../lib/within.ts";

/** Pause before retrying an expiry that could not be stored. Milliseconds. */
const RETRY_MS = 10_000;
/** Above every id: a listing that starts here starts at the newest. */
const NEWEST = Number.MAX_SAFE_INTEGER;
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

  /** Expires questions from now on, and closes those of agents that were destroyed. */
  start(): void {
    this.#arm();
    for (const agent of this.#deps.store.questions.askers())
      if (!this.#deps.directory.byId(agent)) this.closeOf(agent).catch(this.#deps.onUnexpected);
  }

  /** Stores a question and returns it at once. */
  async ask(agentId: string, input: Parsed<"ask_operator">): Promise<QuestionView> {
    const { store } = this.#deps;
    const options = input.options ?? [];
    if (new Set(options).size < options.length) throw new HiveError("bad_request", "options: two of them are the same");
    const row = await store.write((tx) => {
      this.#deps.broker.checkMayAsk(agentId);
      if (store.questions.openOf(agentId).length >= MAX_OPEN_QUESTIONS) {
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
        closed_by: null,
      };
      store.questions.insert(asked);
      this.#publishAfter(tx, asked);
      return asked;
    });
    this.#arm();
    return this.#view(row);
  }

  /** The open questions, oldest first. With `all`, the newest questions including closed ones, oldest first. */
  list({ all = false, after = 0, before = NEWEST }: Parsed<"questions">, bytes = MAX_LISTING_BYTES): Output<"questions"> {
    const { questions } = this.#deps.store;
    const rows = all ? questions.newest(before, MAX_LISTED + 1) : questions.open(after);
    const part = within(this.#views(rows), { bytes, ...(all ? { limit: MAX_LISTED } : {}) });
    return { questions: all ? part.rows.reverse() : part.rows, ...(part.more ? { more: true } : {}) };
  }

  /** One question with all of its text. */
  whole(id: number): QuestionView {
    const row = this.#deps.store.questions.byId(id);
    if (!row) throw new HiveError("not_found", `there is no question ${id}`);
    return wholeQuestion(row, (agent) => this.#deps.directory.nameOf(agent));
  }

  /** Closes the open questions of a destroyed agent, because no one reads their answers. */
  async closeOf(agentId: string): Promise<void> {
    const { store } = this.#deps;
    await store.write((tx) => {
      for (const row of store.questions.openOf(agentId)) this.#end(tx, row, "cancelled", null, null);
    });
    this.#arm();
  }

  /** Answers with options by their text, free text, or both. `by` is the operator who does. */
  async answer(input: Parsed<"answer">, by: string): Promise<QuestionView> {
    const question = this.#open(input.id);
    const offered = JSON.parse(question.options) as string[];
    const chosen = input.options ?? [];
    const text = input.text?.trim() ?? "";
    const unknown = chosen.find((option) => !offered.includes(option));
    if (unknown !== undefined)
      throw new HiveError(
        "bad_request",
        `options: ${JSON.stringify(unknown.slice(0, 120))} was not offered; ${offeredWords(offered)}`,
      );
    if (chosen.length > 1 && question.multi === 0) throw new HiveError("bad_request", "options: this question takes one");
    if (chosen.length === 0 && text === "") throw new HiveError("bad_request", "choose an option or write an answer");
    return this.#close(question, "answered", [...chosen, ...(text === "" ? [] : [text])].join("\n"), by);
  }

  cancel(id: number, by: string): Promise<QuestionView> {
    return this.#close(this.#open(id), "cancelled", null, by);
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

  async #close(question: QuestionRow, state: QuestionState, answer: string | null, by: string | null): Promise<QuestionView> {
    const { store, broker, directory } = this.#deps;
    const asker = directory.byId(question.agent);
    const closed = await store.write((tx) => {
      // Two tabs may answer at once. The first answer counts.
      this.#open(question.id);
      const next = this.#end(tx, question, state, answer, by);
      if (by !== null) this.#audit(next, by);
      const given = answer === null ? {} : { answer };
      if (asker)
        broker.notify(tx, asker, {
          event: "operator_answered",
          question_id: next.id,
          question: next.question,
          state,
          ...given,
        });
      return next;
    });
    this.#arm();
    return this.#view(closed);
  }

  #audit(row: QuestionRow, actor: string): void {
    const { store, directory } = this.#deps;
    store.ledger.audit(store.nextSeq(), {
      at: this.#now(),
      actor,
      kind: row.state === "answered" ? "question_answered" : "question_cancelled",
      agent: directory.nameOf(row.agent),
      detail: { question: row.id },
    });
  }

  #end(tx: Tx, question: QuestionRow, state: QuestionState, answer: string | null, by: string | null): QuestionRow {
    const { store } = this.#deps;
    const next: QuestionRow = { ...question, state, answer, seq: store.nextSeq(), closed_at: this.#now(), closed_by: by };
    store.questions.close(next);
    this.#publishAfter(tx, next);
    return next;
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
        await this.#close(row, "expired", null, null);
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

  #publishAfter(tx: Tx, row: QuestionRow): void {
    tx.afterCommit(() => this.#deps.feed.publish({ kind: "question", seq: row.seq, question: this.#view(row) }));
  }

  *#views(rows: Iterable<QuestionRow>): Iterable<QuestionView> {
    for (const row of rows) yield this.#view(row);
  }

  #view(row: QuestionRow): QuestionView {
    return questionView(row, (id) => this.#deps.directory.nameOf(id));
  }
}

/** A question as listings, the snapshot and events show it. Of long texts it has only the beginning, marked `cut`. */
export function questionView(row: QuestionRow, nameOf: (id: string) => string): QuestionView {
  const view = wholeQuestion(row, nameOf);
  const question = preview(view.question, MAX_QUESTION_PREVIEW_BYTES);
  const options = view.options.map((option) => preview(option, MAX_OPTION_PREVIEW_BYTES));
  const answer = view.answer && preview(view.answer, MAX_QUESTION_PREVIEW_BYTES);
  const isWhole =
    question === view.question && answer === view.answer && options.every((option, n) => option === view.options[n]);
  if (isWhole) return view;
  const bytes = utf8Bytes(view.question + view.options.join(""));
  return { ...view, question, options, cut: true, bytes, ...(answer === undefined ? {} : { answer }) };
}

/** A question with all of its text. Unknown fields are absent. */
function wholeQuestion(row: QuestionRow, nameOf: (id: string) => string): QuestionView {
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
  if (row.closed_by !== null) view.closed_by = row.closed_by;
  return view;
}

/** Characters of an option in an error. */
const MAX_OPTION_CHARS = 60;

function offeredWords(offered: readonly string[]): string {
  if (offered.length === 0) return "this question has no options: answer in words";
  return `offered: ${offered.map((option, at) => `${at + 1} ${JSON.stringify(option.slice(0, MAX_OPTION_CHARS))}`).join(", ")}`;
}
