import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { launch } from "./browser.ts";
import type { FixtureHive } from "./fixture-hive.ts";

/** One browser for all tests of a file, and a hive of made-up answers anew for each, handed over when it runs. */
export function usePages(make: () => FixtureHive, take: (browser: Browser, hive: FixtureHive) => void): void {
  let browser: Browser;
  let hive: FixtureHive;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    hive = await make().start();
    take(browser, hive);
  });
  afterEach(() => hive.stop());
}

/** The widths of a desk and of a phone. */
export const WIDTHS = [1440, 390] as const;
/** The window of either. */
export const sized = (width: number): { viewport: { width: number; height: number } } => ({ viewport: { width, height: 844 } });

/** Brings a part of the dashboard into sight: on a phone, they are tabs. */
export async function look(page: Page, part: string): Promise<void> {
  const tab = page.getByRole("navigation", { name: "sections" }).getByRole("link", { name: new RegExp(`^${part}`) });
  if ((page.viewportSize()?.width ?? 0) <= 900) await tab.click();
}

/** One of the cards that wait, opened where it is a line, once it is there; on a phone its tab has to be in sight. */
export async function openCall(page: Page, name: string | RegExp): Promise<Locator> {
  const card = page.getByRole("article", { name });
  await card.waitFor();
  // It opens by itself when the one before it goes: whether it is a line is found out in the moment of the press.
  await card.evaluate((one) => {
    if (one.matches(".line")) one.querySelector("button")?.click();
  });
  await card.and(page.locator(":not(.line)")).waitFor();
  return card;
}
