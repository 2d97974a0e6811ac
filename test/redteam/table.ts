import type { Result } from "./result.ts";

/** `N attempted, N blocked or contained`, the last line of a run. */
export function summary(results: readonly Result[]): string {
  const held = results.filter(({ outcome }) => outcome !== "open").length;
  return `${results.length} attempted, ${held} blocked or contained`;
}

/** The table for a terminal: an outcome, a row's id and its evidence in each line. */
export function plainTable(results: readonly Result[]): string {
  const width = Math.max(...results.map(({ id }) => id.length));
  return results
    .map(({ outcome, id, evidence }) => `${outcome.padEnd(9)} ${id.padEnd(width)}  ${evidence.split("\n")[0]}`)
    .join("\n");
}
