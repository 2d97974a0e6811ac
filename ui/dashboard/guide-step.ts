/** A step of the first walk, as far as its order is concerned. */
interface Step {
  isDone: boolean;
  /** The card that it speaks of, while there is one. */
  card?: string | undefined;
}

/**
 * The step that the walk is at: of those whose cards wait, the one whose card the page shows first; where no card waits,
 * the first that is not done. `calls` are the keys of what waits, in the order of the page.
 */
export function currentStep(steps: readonly Step[], calls: readonly string[]): number {
  const cards = steps.flatMap(({ isDone, card }) => (isDone || card === undefined ? [] : [card]));
  const first = calls.find((key) => cards.includes(key));
  return steps.findIndex(({ isDone, card }) => !isDone && (first === undefined || card === first));
}

/** The card that the walk opens by itself: that of its step, once nothing waits before it on the page. */
export function leadOf(steps: readonly Step[], calls: readonly string[]): string | undefined {
  const card = steps[currentStep(steps, calls)]?.card;
  return card === calls[0] ? card : undefined;
}

/** The key of the one of these cards that still waits and that the page shows first. */
export function keyOf<T extends { id: number }>(
  kind: string,
  all: readonly T[],
  waits: (one: T) => boolean,
  calls: readonly string[],
): string | undefined {
  const keys = all.filter(waits).map(({ id }) => `${kind}-${id}`);
  return calls.find((key) => keys.includes(key)) ?? keys[0];
}
