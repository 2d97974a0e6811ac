import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findings } from "../lib/axe.ts";
import { launch } from "../lib/browser.ts";
import { busyHive } from "../lib/busy-hive.ts";
import { openPage, type FixtureHive } from "../lib/fixture-hive.ts";
import { workHive } from "../lib/work-hive.ts";
import { aState } from "../lib/fixtures.ts";

/** axe over every page and panel, at both widths. */

let browser: Browser;
let hive: FixtureHive;
beforeAll(async () => {
  browser = await launch();
  hive = await workHive().start();
});
afterAll(async () => {
  await browser.close();
  await hive.stop();
});

const PAGES = [
  "/",
  "/?tab=swarm",
  "/?tab=inbox",
  "/?tab=flow",
  "/?tab=meta",
  "/?q=crawl&tab=flow",
  "/?open=logs:scout",
  "/?open=config:scout",
  "/?open=deploys:scout",
  "/?open=turns:scout",
  "/?open=thread:12",
  "/?open=spawn",
  "/agent/scout",
  "/agent/scout?tab=side",
  "/agent/old-timer",
  "/agent/nobody",
  "/approval/42",
  "/approval/42?view=split",
  "/history",
  "/swarm",
  "/work",
  "/work?open=repo",
  "/?open=login",
  "/work/web",
  "/?card=change-12",
  "/change/12",
  "/change/12?view=split",
  "/change/13",
  "/change/13?open=check:13",
  "/login",
  "/no/such/page",
];

/** What each panel shows once it has loaded. */
const WHOLE: Record<string, string> = {
  logs: ".drawer .file",
  config: ".drawer .file",
  deploys: ".drawer li",
  turns: ".drawer td",
  thread: ".drawer .msg",
  spawn: ".dialog form",
  repo: ".dialog form",
  check: ".drawer .file",
};

const cases = [1440, 390].flatMap((width) => [0, 1, 2, 3].map((part) => ({ width, part })));
test.each(cases)("axe finds nothing serious: part $part of the pages at $width px", async ({ width, part }) => {
  const { context, page } = await openPage(browser, hive, "/", { viewport: { width, height: 850 }, reducedMotion: "reduce" });
  for (const path of PAGES.filter((_, n) => n % 4 === part)) {
    await page.goto(hive.home + path);
    await page.locator("main").first().waitFor();
    await page.evaluate(() => document.fonts.ready);
    const inside = WHOLE[/open=(\w+)/.exec(path)?.[1] ?? ""];
    if (inside !== undefined) await page.locator(inside).first().waitFor();
    if (/^\/(?:approval|change)/.test(path)) await page.locator(".ln").first().waitFor();
    expect(await findings(page), path).toEqual([]);
  }
  await context.close();
});

test("an empty hive, too", async () => {
  const empty = await busyHive().start();
  empty.state = aState({ agents: [] });
  const { context, page } = await openPage(browser, empty);
  await page.getByText("There are no agents yet.").waitFor();
  expect(await findings(page)).toEqual([]);
  await context.close();
  await empty.stop();
});
