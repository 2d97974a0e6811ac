import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch } from "../lib/browser.ts";
import { layoutFaults, sidewaysScrollers, smallTargets } from "../lib/page-layout.ts";
import { drawn, pageScenes } from "../lib/page-scenes.ts";
import { sizedHive } from "../lib/sized-hive.ts";

/** The layout of every page, drawer and dialog, with none, one and many of everything, at a desk and on a phone. */

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const WINDOWS = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
];

/** What `look` finds in each scene of a hive of this size. Scenes without a finding are left out. */
async function inEveryScene(
  size: number,
  viewport: (typeof WINDOWS)[number],
  look: (page: Page) => Promise<string[]>,
): Promise<Record<string, string[]>> {
  const hive = await sizedHive(size).start();
  const found: Record<string, string[]> = {};
  for (const [name, { path, act }] of Object.entries(pageScenes())) {
    const context = await browser.newContext({ viewport, reducedMotion: "reduce" });
    const page = await context.newPage();
    page.setDefaultTimeout(5_000);
    try {
      await page.goto(hive.home + path);
      await drawn(page);
      await act?.(page);
      await drawn(page);
      const faults = await look(page);
      if (faults.length > 0) found[name] = faults;
    } catch (error) {
      found[name] = [String(error)];
    }
    await context.close();
  }
  await hive.stop();
  return found;
}

describe.each(WINDOWS)("at $width px", (viewport) => {
  test.each([0, 1, 200])(
    "with %i of everything the document stands still and each pane has one scroller",
    { timeout: 240_000 },
    async (size) => {
      expect(await inEveryScene(size, viewport, layoutFaults)).toEqual({});
    },
  );
});

test(
  "on a phone every control has room for a finger, and nothing has to be moved sideways to be read",
  { timeout: 240_000 },
  async () => {
    const phone = { width: 390, height: 844 };
    const look = async (page: Page): Promise<string[]> => [...(await smallTargets(page)), ...(await sidewaysScrollers(page))];
    expect(await inEveryScene(1, phone, look)).toEqual({});
    expect(await inEveryScene(200, phone, look)).toEqual({});
  },
);
