import { budgetAmount, budgetLimit } from "../wire/budget-kinds.ts";
import type { Standing } from "./standings.ts";

/** A limit that is reached: why the agents of its scope get no further turn. */
export type Stop = Standing;

/** The first limit that is reached. */
export const stopIn = (standings: readonly Standing[]): Stop | undefined => standings.find(({ isReached }) => isReached);

/** True if two stops are the same to whom they are shown. */
export const isSameStop = (a: Stop | undefined, b: Stop | undefined): boolean =>
  a?.key === b?.key &&
  a?.kind === b?.kind &&
  a?.period === b?.period &&
  a?.allowed === b?.allowed &&
  a?.stoppedBy === b?.stoppedBy;

/**
 * The limit with what was added to it: `the budget of $5.00 a day`, `the hive's budget of 9 turns an hour and 3 turns more`,
 * `the budget of $20.00 a change and $5.00 more for change 12`.
 */
export function budgetWords(one: Pick<Standing, "scope" | "credential" | "change" | "kind" | "limit" | "extra">): string {
  const { scope, credential, change, kind, limit, extra } = one;
  const more = extra > 0 ? ` and ${budgetAmount(kind, extra)} more` : "";
  const whose =
    change !== undefined ? ` for change ${change}` : credential !== undefined ? ` for the credential ${credential}` : "";
  return `the ${scope === "hive" ? "hive's " : ""}budget of ${budgetLimit(kind, limit)}${more}${whose}`;
}

/** Why an agent gets no turn and no answer of the model: a sentence without its end. */
export const stopWords = (stop: Stop): string => `${budgetWords(stop)} is used up`;

/** A warning for a limit of which at least four fifths are used. */
export const nearWords = (one: Standing): string =>
  `${Math.floor((one.used / one.allowed) * 100)} % of ${budgetWords(one)} is used`;
