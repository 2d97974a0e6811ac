/** Browsers that are never idle, and tabs that nobody looks at and that are never painted, go on after so long. Milliseconds. */
const LONGEST_MS = 400;

let isPainted = false;
let first: Promise<void> | undefined;

/** Whether the first picture of this page has been shown. */
export const hasPainted = (): boolean => isPainted;

/**
 * Resolves once the page's first picture has been shown and nothing more urgent is to be done; asked for from an effect.
 * What the operator does not see in that picture, rows further up and what else is fetched, waits for this: it would
 * only make the picture late.
 */
export function painted(): Promise<void> {
  first ??= new Promise<void>((resolve) => {
    // A task that is asked for in a frame runs after the frame.
    requestAnimationFrame(() => setTimeout(() => whenIdle(resolve)));
    setTimeout(resolve, LONGEST_MS);
  }).then(() => {
    isPainted = true;
  });
  return first;
}

function whenIdle(run: () => void): void {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(run);
  else setTimeout(run, 50);
}
