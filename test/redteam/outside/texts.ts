import type { Browser } from "playwright-core";
import type { FixtureHive } from "../../lib/fixture-hive.ts";
import { hostileHive, hostilePort, refusingHive } from "../../lib/hostile-hive.ts";
import { calm, goOn, goTo, openWatched, whatShows } from "../../lib/hostile-look.ts";
import type { Place } from "./place.ts";

/** The built interface over hostile text in every field, in a window of a desktop and in one of a phone. */

const WIDTHS = [1440, 390] as const;
/** A part of the hostile text that every page of a row has to show somewhere. */
const SHOWN = "evil.example";

/** An address, with an element that exists once the page is complete. */
export type Shown = readonly [path: string, whole: string];

export class Texts {
  readonly hives: { all: FixtureHive; refusing: FixtureHive; port: FixtureHive };
  readonly #browser: Browser;
  #watched: ReturnType<typeof openWatched> | undefined;
  /** The hive whose interface the window has loaded, and in which no text has done harm. */
  #loaded: FixtureHive | undefined;

  private constructor(browser: Browser, hives: Texts["hives"]) {
    this.#browser = browser;
    this.hives = hives;
  }

  static async start(place: Place): Promise<Texts> {
    const browser = await place.browser();
    const hives = { all: hostileHive(), refusing: refusingHive(), port: hostilePort("hm1nd") };
    for (const hive of Object.values(hives)) {
      await hive.start();
      place.atEnd(() => hive.stop());
    }
    return new Texts(browser, hives);
  }

  /**
   * Opens pages and searches them for harm. Rejects if there is none, and resolves with what the text has done. `words`
   * are a part of the text that the pages show. `loads`: each page is loaded anew, for what the load itself may do.
   */
  async look(hive: FixtureHive, pages: readonly Shown[], { words = SHOWN, loads = false } = {}): Promise<string> {
    const { page, check } = await (this.#watched ??= openWatched(this.#browser, hive, WIDTHS[0]));
    const isLoaded = this.#loaded === hive;
    // What a text has done stays in the window until the next load.
    this.#loaded = undefined;
    let shown = 0;
    for (const [n, [path, whole]] of pages.entries()) {
      // An element that is there already does not tell when the next page is complete. Every page has a `main`.
      const isThere = whole !== "main" && (await page.locator(whole).count()) > 0;
      if (loads || (n === 0 && !isLoaded) || isThere) await goTo(page, hive.home + path, whole);
      else await goOn(page, path, whole);
      if (words !== SHOWN) await page.getByText(words).filter({ visible: true }).first().waitFor();
      // The next page begins at the width of this one's end: each change of the width draws a page anew.
      for (const width of n % 2 === 0 ? WIDTHS : WIDTHS.toReversed()) {
        if (page.viewportSize()?.width !== width) {
          await page.setViewportSize({ width, height: 850 });
          await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
        }
        const harm = await whatShows(page);
        if (JSON.stringify(harm) !== JSON.stringify(calm)) return `${path} at ${width} px: ${JSON.stringify(harm)}`;
      }
      shown += await page.evaluate((part) => document.body.innerText.split(part).length - 1, words);
    }
    try {
      check();
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    if (shown === 0) throw new Error(`no page shows ${words}`);
    this.#loaded = hive;
    throw new Error("the text stays text");
  }
}
