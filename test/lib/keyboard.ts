import type { CDPSession, Page } from "playwright-core";

/** The focused element, as the browser reports it to a screen reader. */
export interface Stop {
  role: string;
  name: string;
  /** The focus is visible: an outline, an edge, or a caret in a field. */
  isSeen: boolean;
  /** Within the topmost dialog or menu. */
  isInside: boolean;
}

/** The keyboard of a page: moves the focus and reports it from the browser's own accessibility tree. */
export class Keyboard {
  readonly #page: Page;
  readonly #session: CDPSession;

  private constructor(page: Page, session: CDPSession) {
    this.#page = page;
    this.#session = session;
  }
  static async of(page: Page): Promise<Keyboard> {
    return new Keyboard(page, await page.context().newCDPSession(page));
  }

  async at(): Promise<Stop> {
    const { result } = await this.#session.send("Runtime.evaluate", { expression: "document.activeElement" });
    const { nodes } = await this.#session.send("Accessibility.getPartialAXTree", {
      objectId: result.objectId ?? "",
      fetchRelatives: false,
    });
    const seen = await this.#page.evaluate(() => {
      const at = document.activeElement;
      const layers = document.querySelectorAll("[role=dialog], [role=alertdialog], [role=menu]");
      const shows = (one: Element | null | undefined): boolean => {
        if (!one) return false;
        const { outlineStyle, boxShadow } = getComputedStyle(one);
        return outlineStyle !== "none" || boxShadow !== "none";
      };
      const isField = at?.matches("input:not([type=radio], [type=checkbox]), textarea") === true;
      return {
        // A menu entry shows the focus by its background.
        isSeen: isField || shows(at) || shows(at?.closest(".compose")) || at?.hasAttribute("data-highlighted") === true,
        isInside: [...layers].at(-1)?.contains(at) === true,
      };
    });
    const words = (value: unknown): string => (typeof value === "string" ? value.trim() : "");
    return { role: words(nodes[0]?.role?.value), name: words(nodes[0]?.name?.value), ...seen };
  }

  /** Presses a key and returns the focus after it. */
  async press(key: string): Promise<Stop> {
    await this.#page.keyboard.press(key);
    await this.#page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    return this.at();
  }

  /** The stops from here on, until the focus leaves the page or returns to an earlier stop. */
  async walk(most = 120): Promise<Stop[]> {
    await this.#page.evaluate(() => {
      (globalThis as unknown as { walked: Set<Element> }).walked = new Set();
    });
    const stops: Stop[] = [];
    while (stops.length < most) {
      await this.#page.keyboard.press("Tab");
      const isNew = await this.#page.evaluate(() => {
        const { walked } = globalThis as unknown as { walked: Set<Element> };
        const at = document.activeElement;
        if (!at || at === document.body || walked.has(at)) return false;
        return walked.add(at) !== undefined;
      });
      if (!isNew) return stops;
      stops.push(await this.at());
    }
    throw new Error(`more than ${most} stops: the keyboard goes in circles`);
  }
}
