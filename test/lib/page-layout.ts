import type { Page } from "playwright-core";

/** Elements with their own scroller, or none. Within each there is at most one along each axis. */
const PANES =
  ".panel, .drawer, .dialog, .menu, .suggestions, .term, .side, .tree, .request, .history, .pane, .unready, .banners, .compose, .actbar";

/**
 * Describes where the page breaks the layout rules: the document never scrolls, no scroller is inside another along the
 * same axis, each pane has at most one, and no control is cut off where no scroller reaches.
 */
export function layoutFaults(page: Page): Promise<string[]> {
  return page.evaluate((panes) => {
    const faults: string[] = [];
    const nameOf = (one: Element): string =>
      `${one.tagName.toLowerCase()}${one.className && typeof one.className === "string" ? `.${one.className.trim().replace(/\s+/g, ".")}` : ""}`;
    const root = document.documentElement;
    for (const one of [root, document.body]) {
      if (one.scrollHeight > root.clientHeight)
        faults.push(`${nameOf(one)} is ${one.scrollHeight} px high in ${root.clientHeight}`);
      if (one.scrollWidth > root.clientWidth) faults.push(`${nameOf(one)} is ${one.scrollWidth} px wide in ${root.clientWidth}`);
    }
    // The sizes first: few elements are larger within than without, and a style costs much more.
    const scrolls = (one: Element, axis: "x" | "y"): boolean => {
      if (axis === "y" ? one.scrollHeight <= one.clientHeight + 1 : one.scrollWidth <= one.clientWidth + 1) return false;
      const style = getComputedStyle(one);
      return /auto|scroll/.test(axis === "y" ? style.overflowY : style.overflowX);
    };
    /** What an element cuts off, by element: controls have most of the elements around them in common. */
    const frames = new Map<Element, { x: boolean; y: boolean; scrolls: boolean; isFixed: boolean; box: DOMRect }>();
    const frameOf = (one: Element) => {
      let frame = frames.get(one);
      if (!frame) {
        const { overflowX, overflowY, position } = getComputedStyle(one);
        const [x, y] = [/hidden|clip/.test(overflowX), /hidden|clip/.test(overflowY)];
        const box = one.getBoundingClientRect();
        frame = { x, y, scrolls: /auto|scroll/.test(overflowY), isFixed: position === "fixed", box };
        frames.set(one, frame);
      }
      return frame;
    };
    const seen = [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility());
    for (const axis of ["x", "y"] as const) {
      const scrollers = seen.filter((one) => scrolls(one, axis));
      const perPane = new Map<Element, number>();
      for (const one of scrollers) {
        const outer = scrollers.find((other) => other !== one && other.contains(one));
        if (outer) faults.push(`${nameOf(one)} scrolls along ${axis} inside of ${nameOf(outer)}`);
        const pane = one.closest(panes);
        if (pane) perPane.set(pane, (perPane.get(pane) ?? 0) + 1);
      }
      if (axis === "y") for (const [pane, count] of perPane) if (count > 1) faults.push(`${nameOf(pane)} has ${count} scrollers`);
    }
    const pressed = seen.filter((one) => one.matches("a[href], button, input, select, textarea, summary, [role=menuitem]"));
    for (const one of pressed) {
      const box = one.getBoundingClientRect();
      if (box.width <= 1 || one.closest(".sr")) continue;
      let at: Element | null = one.parentElement;
      for (; at; at = at.parentElement) {
        const frame = frameOf(at);
        const clip = frame.box;
        const isCutX = frame.x && (box.right > clip.right + 1 || box.left < clip.left - 1);
        const isCutY = frame.y && (box.bottom > clip.bottom + 1 || box.top < clip.top - 1);
        if (isCutX || isCutY) faults.push(`${nameOf(one)} “${(one.textContent ?? "").slice(0, 20)}” is cut off by ${nameOf(at)}`);
        if (frame.scrolls || frame.isFixed) break;
      }
      const isInScroller = at !== null && frameOf(at).scrolls;
      if (!isInScroller && (box.bottom > innerHeight + 1 || box.top < -1 || box.right > innerWidth + 1))
        faults.push(`${nameOf(one)} “${(one.textContent ?? "").slice(0, 20)}” is outside of the window`);
    }
    return [...new Set(faults)].slice(0, 12);
  }, PANES);
}

/** Minimum size of a touch target in pixels. */
const FINGER = 40;

/** Controls that are too small for a finger. Links within running text may be as high as their line. */
export function smallTargets(page: Page): Promise<string[]> {
  return page.evaluate((finger) => {
    const faults = new Set<string>();
    for (const one of document.querySelectorAll(
      "a[href], button, input, select, textarea, summary, [role=menuitem], [role=option]",
    )) {
      if (!one.checkVisibility({ visibilityProperty: true }) || one.closest(".sr, svg")) continue;
      // A checkbox is pressed by its label.
      const pressed = one.matches("input[type=checkbox], input[type=radio]") ? (one.closest("label") ?? one) : one;
      if (pressed.tagName === "A" && getComputedStyle(pressed).display === "inline") continue;
      const { width, height } = pressed.getBoundingClientRect();
      if (width < finger - 0.5 || height < finger - 0.5)
        faults.add(
          `${pressed.tagName.toLowerCase()}.${pressed.className} “${(pressed.textContent ?? "").slice(0, 16)}” in ${pressed.parentElement?.className ?? ""}: ${Math.round(width)} × ${Math.round(height)}`,
        );
    }
    return [...faults];
  }, FINGER);
}

/**
 * Cut text without a way to read the rest: without an ellipsis, or with one but neither inside a link or button that
 * opens it nor with a tooltip that has the whole text.
 */
export function cutTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const faults = new Set<string>();
    for (const one of document.querySelectorAll("body *")) {
      // The sizes first: few elements are larger within than without, and the rest costs much more.
      if (one.scrollWidth <= one.clientWidth + 1 || !one.checkVisibility({ visibilityProperty: true })) continue;
      const { overflowX, textOverflow, clipPath } = getComputedStyle(one);
      if (!/hidden|clip/.test(overflowX) || clipPath !== "none" || one.closest("svg") || !one.textContent?.trim()) continue;
      const words = `${one.tagName.toLowerCase()}.${one.className} “${one.textContent.slice(0, 24)}”`;
      if (textOverflow !== "ellipsis") faults.add(`${words} is cut without an ellipsis`);
      else if (!one.closest("a, button, [title]")) faults.add(`${words} is cut, and nothing shows the rest`);
    }
    return [...faults].slice(0, 12);
  });
}

/** Elements that have to be scrolled sideways to be read. */
export function sidewaysScrollers(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll("body *")]
      .filter(
        (one) =>
          one.scrollWidth > one.clientWidth + 1 && one.checkVisibility() && /auto|scroll/.test(getComputedStyle(one).overflowX),
      )
      .map((one) => `${one.tagName.toLowerCase()}.${one.className} is ${one.scrollWidth} px wide in ${one.clientWidth}`),
  );
}
