/** Frames within which the requested element has to appear. */
const PATIENCE = 60;

/** Runs once the element is visible. On a phone it may be behind another tab, which `show` brings to the front. */
export function inSight(selector: string, show: () => void, run: () => void): void {
  const isThere = (): boolean => document.querySelector(selector)?.checkVisibility() === true;
  if (isThere()) return run();
  show();
  let frames = 0;
  const look = (): void => {
    if (isThere()) run();
    else if (frames++ < PATIENCE) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** Focuses the first such element, which scrolls it into view. */
export function focusOn(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus();
}
