import type { Browser, Locator, Page } from "playwright-core";
import { afterEach, beforeAll, beforeEach } from "vitest";
import { sharedBrowser } from "./browser.ts";
import type { FixtureHive } from "./fixture-hive.ts";
import { releasePages } from "./fixture-page.ts";

/** The worker's browser, and a new hive of made-up answers for each test, passed to `take` when it runs. */
export function usePages(make: () => FixtureHive, take: (browser: Browser, hive: FixtureHive) => void): void {
  let browser: Browser;
  let hive: FixtureHive;
  beforeAll(async () => {
    browser = await sharedBrowser();
  });
  beforeEach(async () => {
    hive = await make().start();
    take(browser, hive);
  });
  afterEach(async () => {
    await releasePages();
    await hive.stop();
  });
}

/** The widths of a desktop and of a phone. */
export const WIDTHS = [1440, 390] as const;
/** The window of this width. */
export const sized = (width: number): { viewport: { width: number; height: number } } => ({ viewport: { width, height: 844 } });

/** Brings a part of the dashboard into view. On a phone the parts are tabs. */
export async function look(page: Page, part: string): Promise<void> {
  const tab = page.getByRole("navigation", { name: "sections" }).getByRole("link", { name: new RegExp(`^${part}`) });
  if ((page.viewportSize()?.width ?? 0) <= 900) await tab.click();
}

/** Waits for a waiting card and opens it if it is a line. On a phone, first opens its tab. */
export async function openCall(page: Page, name: string | RegExp): Promise<Locator> {
  const card = page.getByRole("article", { name });
  await card.waitFor();
  // It opens automatically when the card before it is removed, so check at the moment of the click whether it is a
  // line.
  await card.evaluate((one) => {
    if (one.matches(".line")) one.querySelector("button")?.click();
  });
  await card.and(page.locator(":not(.line)")).waitFor();
  return card;
}
