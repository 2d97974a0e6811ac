/** Maximum wait in a browser that is never idle, or in a background tab that is never painted. Milliseconds. */
const LONGEST_MS = 400;

let isPainted = false;
let first: Promise<void> | undefined;

/** Whether the page has had its first paint. */
export const hasPainted = (): boolean => isPainted;

/**
 * Resolves after the page's first paint, when nothing more urgent is pending. Call it from an effect. Work that is not
 * visible in the first paint, such as rows further up and further fetches, waits for this so as not to delay it.
 */
export function afterFirstPaint(): Promise<void> {
  first ??= new Promise<void>((resolve) => {
    // A task scheduled in a frame runs after the frame.
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
