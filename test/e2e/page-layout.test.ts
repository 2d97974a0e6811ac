import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { sharedBrowser } from "../lib/browser.ts";
import { cutTexts, layoutFaults, sidewaysScrollers, smallTargets } from "../lib/page-layout.ts";
import { drawn, follow, followAnew, isForPhone, pageScenes, type PageScene } from "../lib/page-scenes.ts";
import { sizedHive } from "../lib/sized-hive.ts";

/** The layout of every page, drawer and dialog on a desktop and on a phone, with nothing and with many of everything. */

const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };

const OVER_AGENT = " over an agent's page";

/** Scenes whose layout with a single entry differs from none and from many: lists that one entry does not fill. */
const ALONE = ["dashboard", "dashboard, inbox", "agent", "agent, about", "request", "swarm", "drawer thread:5000"];

/** Drawers that lie over the dashboard in another scene. */
const isSecond = (name: string, scenes: object): boolean =>
  name.endsWith(OVER_AGENT) && name.slice(0, -OVER_AGENT.length) in scenes;
/** Pages alone: nothing lies over them. */
const isPage = (name: string, scenes: Record<string, PageScene>): boolean => !name.startsWith("drawer") && !scenes[name]?.act;
/** What lies over pages and many entries change: the drawers, over one page of two, and the suggestions. */
const isCrowded = (name: string): boolean =>
  name.startsWith("drawer") ? name.endsWith(OVER_AGENT) : !/keys|kill|help|menu|commands|many lines|long note/.test(name);
/**
 * The same scene over the agent's files instead of its turns. With many of everything the page below a drawer would be
 * most of the cost.
 */
const overFiles = ({ path, ...scene }: PageScene): PageScene => ({
  ...scene,
  path: path.replace("/agent/hm1nd?open=", "/agent/hm1nd?tab=files&open="),
});

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
 * The faults of each scene of a hive of this size, by scene and width. Loading a page is most of the cost: the scenes
 * follow each other in one page. Each scene is looked at in the window of the one before, and then in the other.
 */
async function faultsOf(size: number, scenes: Record<string, PageScene>): Promise<Record<string, string[]>> {
  const hive = await sizedHive(size).start();
  const context = await (await sharedBrowser()).newContext();
  const page = await context.newPage();
  const found: Record<string, string[]> = {};
  let isApp = false;
  const show = async ({ path, act }: PageScene): Promise<void> => {
    if (isApp) await (act ? followAnew : follow)(page, path);
    else await page.goto(hive.home + path);
    isApp = path !== "/login";
    await drawn(page);
    if (!act) return;
    await act(page);
    await drawn(page);
  };
  const byCost = Object.entries(scenes).sort(([, a], [, b]) => Number(a.act !== undefined) - Number(b.act !== undefined));
  let windows = [DESK, PHONE];
  await page.setViewportSize(DESK);
  for (const [name, scene] of byCost) {
    let opened = 0;
    if (!scene.act && isForPhone(scene.path)) {
      await page.setViewportSize(PHONE);
      windows = [PHONE];
    } else if (windows.length === 1) windows = [PHONE, DESK];
    for (const window of windows) {
      try {
        if (window === windows[0]) {
          await show(scene);
          opened = await layers(page);
        } else {
          await page.setViewportSize(window);
          await drawn(page);
        }
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
  // A drawer with nothing in it lies over the dashboard, one with many over the agent's page.
  [0, (name: string, scenes: Record<string, PageScene>) => !isSecond(name, scenes)],
  [1, (name: string) => ALONE.includes(name)],
  // More than any window shows.
  [40, (name: string, scenes: Record<string, PageScene>) => !isPage(name, scenes) && isCrowded(name)],
  [200, isPage],
] as const)(
  "with %i of everything the document never scrolls, each pane has one scroller, targets fit a finger, and no text is lost",
  async (size, isShown) => {
    const scenes = pageScenes();
    for (const name of ALONE) expect(scenes).toHaveProperty([name]);
    const shown = Object.entries(scenes)
      .filter(([name]) => isShown(name, scenes))
      .map(([name, scene]) => [name, size > 1 ? overFiles(scene) : scene] as const);
    expect(await faultsOf(size, Object.fromEntries(shown))).toEqual({});
  },
);
