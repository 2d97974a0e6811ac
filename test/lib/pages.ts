import type { Browser } from "playwright-core";
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
