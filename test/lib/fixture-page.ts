import type { Browser, BrowserContext, Page } from "playwright-core";
import type { FixtureHive } from "./fixture-hive.ts";

/*
 * Pages over fixtures are used again: a page that has loaded the interface before has its code parsed and compiled, which
 * is most of the cost of a test.
 */

type Options = NonNullable<Parameters<Browser["newContext"]>[0]>;
interface Kept {
  context: BrowserContext;
  page: Page;
}
/** Pages without a user, by the options of their contexts except the size of the window, which a page can change. */
const idle = new Map<string, Kept[]>();
/** What returns the pages that have a user. */
let used: (() => Promise<void>)[] = [];

const DESK = { width: 1440, height: 900 };

/**
 * A page over a fixture, and its errors: script errors and violations of the policy. Its storage is empty, and
 * its history may have entries before this one. `releasePages` takes it back.
 */
export async function openPage(
  browser: Browser,
  hive: FixtureHive,
  path = "/",
  options: Options = {},
): Promise<{ page: Page; problems: string[] }> {
  const { viewport, ...others } = options;
  const key = JSON.stringify(others);
  const kept = idle.get(key)?.pop() ?? (await newPage(browser, others));
  const { context, page } = kept;
  await page.setViewportSize(viewport ?? DESK);
  used.push(async () => {
    page.removeAllListeners();
    for (const other of context.pages()) if (other !== page) await other.close();
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.mouse.move(0, 0);
    // Leaving the app stores its drafts. The file has the origin of the app, and runs nothing.
    await page.goto(`${hive.home}/favicon.svg`);
    await page.evaluate(() => {
      localStorage.clear();
      sessionStorage.clear();
    });
    idle.set(key, [...(idle.get(key) ?? []), kept]);
  });
  return { page, problems: await load(page, hive, path) };
}

/** The same in a context of its own, for a test that cannot leave its page as it was. The caller closes the context. */
export async function openOwnPage(
  browser: Browser,
  hive: FixtureHive,
  path = "/",
  options: Options = {},
): Promise<{ context: BrowserContext; page: Page; problems: string[] }> {
  const { context, page } = await newPage(browser, options);
  return { context, page, problems: await load(page, hive, path) };
}

/** Opens the address. Returns the list of the page's errors. */
async function load(page: Page, hive: FixtureHive, path: string): Promise<string[]> {
  const problems: string[] = [];
  page.on("console", (line) => line.type() === "error" && problems.push(line.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`${hive.home}${path}`);
  await page.waitForSelector("main");
  return problems;
}

async function newPage(browser: Browser, options: Options): Promise<Kept> {
  const context = await browser.newContext({ viewport: DESK, ...options });
  return { context, page: await context.newPage() };
}

/** Takes back all open pages. Call it after each test, while the hive still runs. */
export async function releasePages(): Promise<void> {
  const all = used;
  used = [];
  await Promise.all(all.map((release) => release()));
}
