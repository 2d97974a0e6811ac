import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { sharedBrowser } from "../lib/browser.ts";
import { cutTexts, layoutFaults, sidewaysScrollers, smallTargets } from "../lib/page-layout.ts";
import { drawn, follow, pageScenes, type PageScene } from "../lib/page-scenes.ts";
import { sizedHive } from "../lib/sized-hive.ts";

/** The layout of every page, drawer and dialog on a desktop and on a phone, with nothing and with many of everything. */

const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };

/** Scenes whose layout with a single entry differs from none and from many: lists that one entry does not fill. */
const ALONE = ["dashboard", "dashboard, inbox", "agent", "agent, about", "request", "swarm", "drawer thread:5000"];

/** Scenes that many entries change: not what lies over a page, except over the agent's page, which is quick to load. */
const isCrowded = (name: string): boolean =>
  name.startsWith("drawer") ? name.endsWith("over an agent's page") : !/keys|kill|help|many lines|long note/.test(name);

const atDesk = async (page: Page): Promise<string[]> => [...(await layoutFaults(page)), ...(await cutTexts(page))];
/** A finger needs room, and nothing may need sideways scrolling. */
const onPhone = async (page: Page): Promise<string[]> => [
  ...(await atDesk(page)),
  ...(await smallTargets(page)),
  ...(await sidewaysScrollers(page)),
];

/** Layers that an action has opened. */
const layers = (page: Page): Promise<number> =>
  page.locator("[role=menu], [role=dialog], [role=alertdialog], [role=listbox]").count();

/**
 * The faults of each scene of a hive of this size, by scene and width. Loading a page is most of the cost: scenes that
 * are only an address follow each other in one page, and a scene that presses or types gets its own load. Each scene is
 * looked at in the window of the one before, and then in the other.
 */
async function faultsOf(size: number, scenes: Record<string, PageScene>): Promise<Record<string, string[]>> {
  const hive = await sizedHive(size).start();
  const context = await (await sharedBrowser()).newContext();
  await context.addInitScript(() => {
    sessionStorage.clear();
    localStorage.clear();
  });
  const page = await context.newPage();
  const found: Record<string, string[]> = {};
  let isApp = false;
  const show = async ({ path, act }: PageScene): Promise<void> => {
    if (isApp && !act) await follow(page, path);
    else await page.goto(hive.home + path);
    isApp = path !== "/login" && !act;
    await drawn(page);
    await act?.(page);
  };
  const byCost = Object.entries(scenes).sort(([, a], [, b]) => Number(a.act !== undefined) - Number(b.act !== undefined));
  let windows = [DESK, PHONE];
  await page.setViewportSize(DESK);
  for (const [name, scene] of byCost) {
    let opened = 0;
    for (const window of windows) {
      try {
        if (window === windows[0]) {
          await show(scene);
          opened = await layers(page);
        } else await page.setViewportSize(window);
        await drawn(page);
        const faults = await (window === PHONE ? onPhone : atDesk)(page);
        if ((await layers(page)) !== opened) faults.push("the other width has closed what was open");
        if (faults.length > 0) found[`${name} at ${window.width} px`] = faults;
      } catch (error) {
        found[`${name} at ${window.width} px`] = [String(error)];
      }
    }
    windows = windows.toReversed();
  }
  await context.close();
  await hive.stop();
  return found;
}

test.each([
  [0, () => true],
  [1, (name: string) => ALONE.includes(name)],
  // More than any window shows.
  [60, isCrowded],
] as const)(
  "with %i of everything the document never scrolls, each pane has one scroller, targets fit a finger, and no text is lost",
  async (size, isShown) => {
    const scenes = pageScenes();
    for (const name of ALONE) expect(scenes).toHaveProperty([name]);
    const shown = Object.entries(scenes).filter(([name]) => isShown(name));
    expect(await faultsOf(size, Object.fromEntries(shown))).toEqual({});
  },
);
