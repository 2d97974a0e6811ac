import { FAILPOINTS } from "../../src/deploys/steps/index.ts";

/** `npm run deployfaults` breaks every place in every way; the suite breaks every place in one way. */
export const IS_CAMPAIGN = process.env["DEPLOY_FAULTS"] === "all";

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

/**
 * The same for real cages and a daemon that is really killed: in the suite only around the point of no return, where cages
 * start and stop. The suite breaks every place in `src/deploys/broken.test.ts`.
 */
export function realBreaks(): [at: string, way: string][] {
  const isShown = ([at, way]: [string, string]): boolean => DECISIVE.includes(at) && way === "kill";
  return breaks(["error", "ENOSPC", "kill"]).filter(
    (one) => IS_CAMPAIGN || isShown(one) || one.join() === "before:publish,error",
  );
}

/** The places at which spawns with real cages are broken: in the suite only these. */
export function spawnBreaks(...some: string[]): readonly string[] {
  return IS_CAMPAIGN ? FAILPOINTS : some;
}

/** The same with every second failpoint in the suite, for a platform that shares its steps with another one. */
export function fewerBreaks<Way>(ways: readonly Way[]): [at: string, way: Way][] {
  const turns = breaks(ways.flatMap((way): (Way | undefined)[] => [way, undefined]));
  return turns.flatMap(([at, way]) => (way === undefined ? [] : [[at, way] as [string, Way]]));
}

/** Failpoints that are broken in this one way: in the suite half of them, or every third one from the second on. */
export function someBreaks<Way>(way: Way, most: "half" | "third" = "half"): [at: string, way: Way][] {
  const turns = most === "half" ? [way, undefined] : [undefined, way, undefined];
  return breaks(turns).flatMap(([at, one]) => (one === undefined ? [] : [[at, one] as [string, Way]]));
}
