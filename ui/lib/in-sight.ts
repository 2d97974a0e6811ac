/** Frames in which something that was asked for has to be there. */
const PATIENCE = 60;

/** Runs once the element can be seen: on a phone it may be behind another tab, which `show` brings to the front. */
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

/** Gives the keyboard to the first such element, which brings it into view. */
export function focusOn(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus();
}
