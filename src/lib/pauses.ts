/** The first and the longest pause between two attempts. Milliseconds. */
export interface PauseRange {
  firstMs: number;
  mostMs: number;
}

/**
 * Pauses between attempts, in milliseconds: each twice the one before, up to the longest, minus a random part of up to
 * half, so that clients that lost the same server do not all come back at the same moment.
 */
export function* growingPauses({ firstMs, mostMs }: PauseRange, random: () => number = Math.random): Generator<number, never> {
  for (let pause = firstMs; ; pause = Math.min(pause * 2, mostMs)) yield pause * (1 - random() / 2);
}
