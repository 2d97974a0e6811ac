import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { openPage } from "../lib/fixture-page.ts";
import { follow } from "../lib/page-scenes.ts";
import { usePages } from "../lib/pages.ts";
import { workHive } from "../lib/work-hive.ts";

/** Every open drawer has an address: it can be linked, survives a reload, and is an entry for back and forward. */

let browser: Browser;
let hive: FixtureHive;
usePages(workHive, (theBrowser, theHive) => {
  browser = theBrowser;
  hive = theHive;
});

/** The drawers that can be open over a page, by address, with words that appear only in them. */
const OPEN: Record<string, { open: string; words: string }> = {
  logs: { open: "logs:scout", words: "claude: warm process 41" },
  config: { open: "config:scout", words: '"allowedRecipients": ["hm1nd"]' },
  deploys: { open: "deploys:scout", words: "agent.json: limits.memory_mib must be at least 256" },
  cost: { open: "cost:scout", words: "local-model" },
  turns: { open: "turns:scout", words: "cancelled by the operator" },
  thread: { open: "thread:12", words: "hops into chain 10" },
  check: { open: "check:13", words: "added 214 packages in 9s" },
  repo: { open: "repo", words: "the branch that changes are merged into" },
  spawn: { open: "spawn", words: "a request shows its config before it runs" },
  you: { open: "you", words: "can confirm what you approve" },
  credentials: { open: "credentials", words: "Nothing changes to another one by itself." },
  secrets: { open: "secrets", words: "No page shows a value again." },
  limits: { open: "limits", words: "At a limit agents wait, and no message is lost." },
  login: { open: "login", words: "For a Claude Pro or Max subscription." },
};

test("the drawers tested below are all drawers", () => {
  const source = readFileSync(join(import.meta.dirname, "../../ui/drawer/drawer.tsx"), "utf8");
  const found = [...source.matchAll(/^ {2}(\w+): \{ title:|what === "(\w+)"/gm)].map((match) => match[1] ?? match[2]);
  expect(new Set(found)).toEqual(new Set(Object.keys(OPEN)));
});

/** The page and its open drawer, on one line. */
const where = (page: Page): string => {
  const { pathname, searchParams } = new URL(page.url());
  return `${pathname} ${searchParams.get("open") ?? ""}`.trim();
};

/** The width of a phone, and that of a desktop. */
const OTHER = { 1440: 390, 390: 1440 } as const;

describe.each([1440, 390] as const)("at %i px", (width) => {
  test("a link within the app to each opens it, its address does so in a new load, and it can be closed", async () => {
    const { page, problems } = await openPage(browser, hive, "/", { viewport: { width, height: 844 } });
    const dialog = page.getByRole("dialog");
    const isShown = (words: string): Promise<void> => dialog.getByText(words).filter({ visible: true }).first().waitFor();
    for (const [n, { open, words }] of Object.values(OPEN).entries()) {
      // One half over the dashboard, the other over an agent's page; at the other width the other way round.
      const path = n < 5 === width > 900 ? "/" : "/agent/scout";
      if (where(page) !== path) await follow(page, path);
      await follow(page, `${path}?open=${open}`);
      await isShown(words);
      // A load is most of the cost: half of them are at this width, and the others at the other one.
      if ((n % 2 === 0) === width > 900) {
        await page.reload();
        await isShown(words);
        await page.setViewportSize({ width: OTHER[width], height: 844 });
        await isShown(words);
        await page.setViewportSize({ width, height: 844 });
      }
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      expect(where(page)).toBe(path);
    }
    expect(problems).toEqual([]);
  });

  test("back goes through pages and drawers, and forward through all of them again", async () => {
    const { page, problems } = await openPage(browser, hive, "/?tab=swarm", { viewport: { width, height: 844 } });
    const dialog = page.getByRole("dialog");
    const row = page.getByRole("listitem", { name: "scout", exact: true });
    if (width > 900) await row.locator(".sha").click();
    else {
      // On a phone the row has no room for the commit: its menu links there.
      await row.getByRole("button", { name: "more for scout" }).click();
      await page.getByRole("menuitem", { name: "deploys and roll back" }).click();
    }
    await dialog.getByText(OPEN["deploys"]?.words ?? "").waitFor();
    await dialog.getByRole("link", { name: "failed/37" }).click();
    await page.waitForURL(/\/approval\/37$/);
    await page.getByText("crawler.mjs").first().waitFor({ state: "attached" });
    await page.getByRole("link", { name: "← your call" }).click();
    // The guide may have opened a card there, in the same history entry.
    await page.waitForURL(({ pathname, searchParams }) => pathname === "/" && searchParams.get("tab") === "call");
    if (width < 900) await page.getByRole("navigation", { name: "sections" }).getByRole("link", { name: "agents" }).click();
    await row.getByRole("link", { name: "scout", exact: true }).click();
    const tail = page.getByRole("log", { name: "turns of scout" });
    await tail.waitFor();
    await page.locator(".head").getByRole("button", { name: "logs" }).click();
    await dialog.getByText(OPEN["logs"]?.words ?? "").waitFor();

    const way: [string, () => Promise<void>][] = [
      ["/", () => row.waitFor()],
      ["/ deploys:scout", () => dialog.getByText(OPEN["deploys"]?.words ?? "").waitFor()],
      ["/approval/37", () => page.getByText("crawler.mjs").first().waitFor({ state: "attached" })],
      ["/", () => row.waitFor()],
      ["/agent/scout", () => tail.getByText("can you crawl cs.MA daily").first().waitFor()],
      ["/agent/scout logs:scout", () => dialog.getByText(OPEN["logs"]?.words ?? "").waitFor()],
    ];
    const stand = async ([place, seen]: (typeof way)[number]): Promise<void> => {
      await expect.poll(() => where(page)).toBe(place);
      await seen();
      await expect.poll(() => dialog.count()).toBe(place.includes(" ") ? 1 : 0);
    };
    for (const step of way.slice(0, -1).reverse()) {
      await page.goBack();
      await stand(step);
    }
    for (const step of way.slice(1)) {
      await page.goForward();
      await stand(step);
    }
    // A reload in between keeps the position in the history, too.
    await page.goBack();
    await page.goBack();
    await page.reload();
    await stand(way[3] as (typeof way)[number]);
    await page.goForward();
    await stand(way[4] as (typeof way)[number]);
    expect(problems).toEqual([]);
  });
});

test("a reload keeps the rest of the address: the tab, the filter, the search, the reply, base and view, the range", async () => {
  const { page, problems } = await openPage(browser, hive);
  let width = 1440;
  /** By a link at one width, by a load at the other, and at the first again. */
  const twice = async (path: string, seen: () => Promise<unknown>): Promise<void> => {
    await follow(page, path);
    await seen();
    const before = width;
    width = width === 1440 ? 390 : 1440;
    await page.setViewportSize({ width, height: 844 });
    await page.reload();
    await seen();
    await page.setViewportSize({ width: before, height: 844 });
    await seen();
    await page.setViewportSize({ width, height: 844 });
  };
  await twice("/?tab=meta", () => page.getByRole("region", { name: "meta inputs" }).getByText("mcp-matrix").waitFor());
  await twice("/?tab=flow&who=librarian", async () => {
    await page.getByRole("log", { name: "messages" }).getByText("i can index what you find").waitFor();
    expect(await page.getByLabel("show only messages of").inputValue()).toBe("librarian");
  });
  await twice("/?tab=flow&q=crawl", () =>
    page.getByRole("group", { name: "search results" }).locator(".body").getByText("cs.MA daily").waitFor(),
  );
  await twice("/?tab=flow&with=scout:12", () => page.getByRole("button", { name: "do not reply to a message" }).waitFor());
  await twice("/approval/42?base=parent&view=split", async () => {
    await page.getByText("compared with the commit before it, for reading").waitFor();
    await page.getByRole("button", { name: "split", pressed: true }).waitFor({ state: "attached" });
  });
  await twice("/agent/scout?tab=side&view=7d", () => page.getByRole("button", { name: "7d", pressed: true }).waitFor());
  await twice("/history", () => page.getByText("not with write access to the shared notes").waitFor());
  expect(problems).toEqual([]);
});
