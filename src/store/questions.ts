import type { Sqlite } from "./database.ts";
import { rowsWithin } from "./rows-within.ts";

export type QuestionState = "open" | "answered" | "expired" | "cancelled";

export interface QuestionRow {
  id: number;
  seq: number;
  agent: string;
  question: string;
  /** JSON array of strings. */
  options: string;
  multi: number;
  state: QuestionState;
  answer: string | null;
  asked_at: number;
  expires_at: number | null;
  closed_at: number | null;
  /** The operator who answered or cancelled it. */
  closed_by: string | null;
}

const charsOf = ({ question, options, answer }: QuestionRow): number => question.length + options.length + (answer?.length ?? 0);

export function questionQueries(db: Sqlite) {
  const insert = db.prepare<QuestionRow>(
    `INSERT INTO questions (id, seq, agent, question, options, multi, state, answer, asked_at, expires_at, closed_at, closed_by)
     VALUES (@id, @seq, @agent, @question, @options, @multi, @state, @answer, @asked_at, @expires_at, @closed_at, @closed_by)`,
  );
  const close = db.prepare<[number, QuestionState, string | null, number, string | null, number]>(
    "UPDATE questions SET seq = ?, state = ?, answer = ?, closed_at = ?, closed_by = ? WHERE id = ?",
  );
  const byId = db.prepare<[number], QuestionRow>("SELECT * FROM questions WHERE id = ?");
  const open = db.prepare<[number], QuestionRow>("SELECT * FROM questions WHERE state = 'open' AND id > ? ORDER BY id");
  const openOf = db.prepare<[string], QuestionRow>("SELECT * FROM questions WHERE state = 'open' AND agent = ? ORDER BY id");
  const askers = db.prepare<[], { agent: string }>("SELECT DISTINCT agent FROM questions WHERE state = 'open'");
  const newest = db.prepare<[number, number], QuestionRow>("SELECT * FROM questions WHERE id < ? ORDER BY id DESC LIMIT ?");
  const expiring = db.prepare<[], QuestionRow>("SELECT * FROM questions WHERE state = 'open' AND expires_at IS NOT NULL");
  const after = db.prepare<[number, number], QuestionRow>("SELECT * FROM questions WHERE seq > ? ORDER BY seq LIMIT ?");
  return {
    insert: (row: QuestionRow): void => void insert.run(row),
    /** Ends a question as the row says. */
    close: ({ id, seq, state, answer, closed_at, closed_by }: QuestionRow): void =>
      void close.run(seq, state, answer, closed_at ?? 0, closed_by, id),
    byId: (id: number) => byId.get(id),
    /** Open questions after an id, oldest first, each read when it is asked for. */
    open: (newerThan: number): Iterable<QuestionRow> => open.iterate(newerThan),
    openOf: (agent: string) => openOf.all(agent),
    /** The agents that have open questions. */
    askers: (): string[] => askers.all().map(({ agent }) => agent),
    /** Newest first, each read when it is asked for. */
    newest: (before: number, limit: number): Iterable<QuestionRow> => newest.iterate(before, limit),
    /** Open questions with an expiry. */
    expiring: () => expiring.all(),
    /** Questions changed after a position, in the order of their changes; undefined if their text is over `chars`. */
    after: (seq: number, limit: number, chars: number) => rowsWithin(after.iterate(seq, limit), chars, charsOf),
  };
}
