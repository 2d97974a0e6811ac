import type { ChangeView } from "../../src/wire/work.ts";

/** The part of a guide step that determines the order. */
interface Step {
  isDone: boolean;
  /** The card that the step refers to, while it exists. */
  card?: string | undefined;
}

/** The agents of the tour that work on its repository. Others are the operator's own. */
export const WORKERS: ReadonlySet<string> = new Set(["maker", "critic"]);

/** How far the tour's work is, by its own agents and their changes only. */
export function workOf<T extends Pick<ChangeView, "agent" | "state">>(
  agents: { has(name: string): boolean },
  changes: readonly T[],
): { hasBegun: boolean; changes: readonly T[]; isMerged: boolean } {
  const own = changes.filter(({ agent }) => WORKERS.has(agent));
  return {
    // A change stays when its agent has been destroyed.
    hasBegun: own.length > 0 || [...WORKERS].every((name) => agents.has(name)),
    changes: own,
    isMerged: own.some(({ state }) => state === "merged"),
  };
}

/**
 * The current step: among steps with a waiting card, the one whose card the page shows first; without waiting cards,
 * the first step that is not done. `calls` are the keys of the waiting cards, in page order.
 */
export function currentStep(steps: readonly Step[], calls: readonly string[]): number {
  const cards = steps.flatMap(({ isDone, card }) => (isDone || card === undefined ? [] : [card]));
  const first = calls.find((key) => cards.includes(key));
  return steps.findIndex(({ isDone, card }) => !isDone && (first === undefined || card === first));
}

/** The card that the guide opens: the current step's card, once no other card waits above it. */
export function leadOf(steps: readonly Step[], calls: readonly string[]): string | undefined {
  const card = steps[currentStep(steps, calls)]?.card;
  return card === calls[0] ? card : undefined;
}

/** The key of the first of these cards that still waits, in page order. */
export function keyOf<T extends { id: number }>(
  kind: string,
  all: readonly T[],
  waits: (one: T) => boolean,
  calls: readonly string[],
): string | undefined {
  const keys = all.filter(waits).map(({ id }) => `${kind}-${id}`);
  return calls.find((key) => keys.includes(key)) ?? keys[0];
}

/** What the folded guide shows: the current step, and steps before it that are not done. */
export function foldedSteps<T extends Step>(steps: readonly T[], calls: readonly string[]): readonly T[] {
  const current = currentStep(steps, calls);
  return steps.filter(({ isDone }, at) => at === current || (at < current && !isDone));
}
