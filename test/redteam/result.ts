import type { CageRow, Outcome, OutsideRow, Position } from "./row.ts";

/** What a table says of a row before it is carried out. */
export interface Definition {
  id: string;
  from: Position;
  attempt: string;
  barrier: string;
}

/** A row of the table: an attempt and what came of it. */
export interface Result extends Definition {
  outcome: Outcome;
  evidence: string;
  /** The part of the evidence that is the same in every run: the words of the refusal, or why it is contained. */
  by: string;
}

type Row = Pick<CageRow | OutsideRow<never>, "id" | "attempt" | "barrier" | "refusal" | "contained"> & { from: Position };

/** A row with what came of it. */
export function resultOf(row: Row, { outcome, evidence }: { outcome: Outcome; evidence: string }): Result {
  const { id, from, attempt, barrier } = row;
  const by =
    outcome === "blocked" ? (row.refusal?.exec(evidence)?.[0] ?? evidence) : outcome === "contained" ? (row.contained ?? "") : "";
  return { id, from, attempt, barrier, outcome, evidence, by };
}
