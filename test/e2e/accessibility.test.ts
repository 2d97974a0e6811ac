import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findings } from "../lib/axe.ts";
import { sharedBrowser } from "../lib/browser.ts";
import { busyHive } from "../lib/busy-hive.ts";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { openOwnPage } from "../lib/fixture-page.ts";
import { drawn, follow, isForPhone } from "../lib/page-scenes.ts";
import { WIDTHS } from "../lib/pages.ts";
import { workHive } from "../lib/work-hive.ts";
import { aState } from "../lib/fixtures.ts";

/** axe over every page and panel, at both widths. */

let hive: FixtureHive;
let context: BrowserContext;
let page: Page;
beforeAll(async () => {
  hive = await workHive().start();
  ({ context, page } = await openOwnPage(await sharedBrowser(), hive, "/"));
});
afterAll(async () => {
  await context.close();
  await hive.stop();
});

/** Each page and panel, with what it shows once it has loaded. */
const PAGES: Record<string, string> = {
  "/": "main",
  "/?tab=swarm": "main",
  "/?tab=inbox": "main",
  "/?tab=flow": "main",
  "/?tab=meta": "main",
  "/?q=crawl&tab=flow": "main",
  "/?open=logs:scout": ".drawer .file",
  "/?open=config:scout": ".drawer .file",
  "/?open=deploys:scout": ".drawer li",
  "/?open=turns:scout": ".drawer td",
  "/?open=thread:12": ".drawer .msg",
  "/?open=spawn": ".dialog form",
  "/agent/scout": ".tail .ev",
  "/agent/scout?tab=side": ".side .facts",
  "/agent/old-timer": "main",
  "/agent/nobody": "main",
  "/approval/42": ".ln",
  "/approval/42?view=split": ".ln",
  "/history": "main",
  "/swarm": "main",
  "/usage": ".usage-page td",
  "/work": "main",
  "/work?open=repo": ".dialog form",
  "/?open=login": "main",
  "/?open=secrets": ".drawer .secrets",
  "/?open=credentials": ".drawer .credentials",
  "/?open=limits": ".drawer .limits",
  "/?open=limits:agent:hm1nd": ".drawer .limits",
  "/work/web": "main",
  "/?card=change-12": "main",
  "/change/12": ".ln",
  "/change/12?view=split": ".ln",
  "/change/13": ".ln",
  "/change/13?open=check:13": ".drawer .file",
  "/no/such/page": "main",
  "/login": "main",
};

test.each(Object.entries(PAGES))("axe finds nothing serious on %s", async (path, whole) => {
  if (path === "/login") await page.goto(hive.home + path);
  else await follow(page, path);
  // On a desktop the tabs of a phone are all there: that is the first page.
  for (const width of isForPhone(path) ? [390] : WIDTHS) {
    await page.setViewportSize({ width, height: 850 });
    await page.locator(whole).first().waitFor();
    await drawn(page);
    expect(await findings(page), `at ${width} px`).toEqual([]);
  }
});

test("an empty hive, too", async () => {
  const empty = await busyHive().start();
  empty.state = aState({ agents: [] });
  const opened = await openOwnPage(await sharedBrowser(), empty);
  await opened.page.getByText("There are no agents yet.").waitFor();
  expect(await findings(opened.page)).toEqual([]);
  await opened.context.close();
  await empty.stop();
});
