import { FAILPOINTS } from "../../src/deploys/steps/index.ts";

/** `npm run deployfaults` breaks every place in every way; the suite breaks every place in one way. */
const IS_CAMPAIGN = process.env["DEPLOY_FAULTS"] === "all";

/** Failpoints after the ledger has moved, from which there is no way back. */
export const PUBLISHED = ["before:main", "before:tag", "before:settle", "before:leave", "end"];
/** On both sides of the point of no return every way is tried. */
const DECISIVE = ["before:publish", "before:main"];

/** Each failpoint with the ways in which it is broken now. The suite takes turns. */
export function breaks<Way>(ways: readonly Way[]): [at: string, way: Way][] {
  return FAILPOINTS.flatMap((at, n) =>
    ways
      .filter((_, way) => IS_CAMPAIGN || DECISIVE.includes(at) || n % ways.length === way)
      .map((way): [string, Way] => [at, way]),
  );
}

/** Failpoints that are broken in this one way: half of them in the suite, from the first or from the second on. */
export function someBreaks<Way>(way: Way, from: 0 | 1 = 0): [at: string, way: Way][] {
  const turns = from === 0 ? [way, undefined] : [undefined, way];
  return breaks(turns).flatMap(([at, one]) => (one === undefined ? [] : [[at, one] as [string, Way]]));
}
