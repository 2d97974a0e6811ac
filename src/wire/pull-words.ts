import type { PullView } from "./work.ts";

/** The pull request of a change in a few words. */
export function pullWords({ state, number }: Pick<PullView, "state" | "number">): string {
  const name = number === undefined ? "pull request" : `pull request ${number}`;
  return state === "opening" ? `${name} is being opened` : `${name} is ${state === "closed" ? "closed, not merged" : state}`;
}
