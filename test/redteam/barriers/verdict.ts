import { OTHERWISE } from "../row.ts";
import type { SeenRow } from "./copy.ts";

/** What the rows say about a barrier that was removed. */
export interface Verdict {
  /** `left out`: this host cannot carry out one of the rows. */
  kind: "noticed" | "not noticed" | "doubled" | "left out";
  name: string;
  what: string;
  /** The rows that turned open. `reached` is false for an attempt that failed by something other than its barrier. */
  opened: readonly { id: string; reached: boolean; evidence: string }[];
  /** Why it was not noticed, or what was left out. */
  why?: string;
}

const isOpen = ({ outcome }: SeenRow): boolean => outcome === "open";
export const isReached = (row: SeenRow): boolean => isOpen(row) && !row.evidence.startsWith(OTHERWISE);

interface Expected {
  opens: readonly string[];
  holds: readonly string[];
}

export const rowsOf = ({ opens, holds }: Expected): string[] => [...opens, ...holds];

/** The rows that were expected and are not among the results. */
export const missing = (expected: Expected, seen: readonly SeenRow[]): string[] =>
  rowsOf(expected).filter((id) => !seen.some((row) => row.id === id));

/** Why a removal was not noticed: a row that stayed, or one that must not have opened. Undefined if it was. */
export function whyNot({ opens, holds }: Expected, seen: readonly SeenRow[]): string | undefined {
  const open = new Set(seen.filter(isOpen).map(({ id }) => id));
  const stayed = opens.filter((id) => !open.has(id));
  if (stayed.length > 0) return `still ${words(stayed, seen)}`;
  const fallen = holds.filter((id) => open.has(id));
  if (fallen.length > 0) return `also open: ${words(fallen, seen)}`;
  return undefined;
}

function words(ids: readonly string[], seen: readonly SeenRow[]): string {
  return ids
    .map((id) => {
      const row = seen.find((one) => one.id === id);
      return `${row?.outcome ?? "missing"} ${id} (${row?.evidence.slice(0, 120) ?? ""})`;
    })
    .join(", ");
}

export const openedOf = (seen: readonly SeenRow[]): Verdict["opened"] =>
  seen.filter(isOpen).map((row) => ({ id: row.id, reached: isReached(row), evidence: row.evidence }));

/** A line for the terminal. */
export function verdictLine({ kind, name, opened, why }: Verdict): string {
  const rows = opened.map(({ id, reached }) => (reached ? id : `${id} (other words)`)).join(", ");
  return `${kind.padEnd(11)} ${name}: ${(why ?? rows).replaceAll(/\s+/g, " ")}`;
}

/** `N of M removed barriers noticed`. Barriers that stand behind each other are not counted. */
export function verdictSummary(verdicts: readonly Verdict[]): string {
  const noticed = verdicts.filter(({ kind }) => kind === "noticed").length;
  const missed = verdicts.filter(({ kind }) => kind === "not noticed").length;
  return `${noticed} of ${noticed + missed} removed barriers noticed`;
}
