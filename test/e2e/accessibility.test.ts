import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch } from "../lib/browser.ts";
import { busyHive } from "../lib/busy-hive.ts";
import { openPage, type FixtureHive } from "../lib/fixture-hive.ts";
import { aState } from "../lib/fixtures.ts";

/** axe over every page and panel, at both widths; and what it cannot see: the order of the focus, and names in words. */

let browser: Browser;
let hive: FixtureHive;
beforeAll(async () => {
  browser = await launch();
  hive = await busyHive().start();
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
  "/login",
  "/no/such/page",
];

/** What axe calls serious or critical, in lines that say where. */
async function findings(page: Page): Promise<string[]> {
  // Through the debugger: the page's own policy lets no foreign script in.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run(document, {
      resultTypes: ["violations"],
      // Leet labels have plain names on purpose: `C0NTAINERS` is read out as "containers".
      rules: { "label-content-name-mismatch": { enabled: false } },
    }),
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html.slice(0, 120)} ${node.failureSummary ?? ""}`).join(" | ")}`,
    );
}

const cases = [1440, 390].flatMap((width) => [0, 1, 2, 3].map((part) => ({ width, part })));
test.each(cases)("axe finds nothing serious: part $part of the pages at $width px", async ({ width, part }) => {
  const { context, page } = await openPage(browser, hive, "/", { viewport: { width, height: 850 }, reducedMotion: "reduce" });
  // On a phone a drawer is the same drawer: what has a layout of its own there is looked at again.
  for (const path of (width === 390 ? PAGES.filter((one) => !one.includes("open=")) : PAGES).filter((_, n) => n % 4 === part)) {
    await page.goto(hive.home + path);
    await page.locator("main").first().waitFor();
    await page.evaluate(() => document.fonts.ready);
    if (path.includes("open=")) await page.getByRole("dialog").waitFor();
    if (path.startsWith("/approval")) await page.locator(".ln").first().waitFor();
    expect(await findings(page), path).toEqual([]);
  }
  await context.close();
});

test("an empty hive, too", async () => {
  const empty = await busyHive().start();
  empty.state = aState({ agents: [] });
  const { context, page } = await openPage(browser, empty);
  await page.getByText("Nobody lives here yet.").waitFor();
  expect(await findings(page)).toEqual([]);
  await context.close();
  await empty.stop();
});

test("the focus goes through the approval as one reads it, and a dialog gives it back", async () => {
  const { context, page } = await openPage(browser, hive, "/approval/42");
  await page.locator(".ln").first().waitFor();
  const names: string[] = [];
  for (let n = 0; n < 14; n++) {
    await page.keyboard.press("Tab");
    names.push(
      await page.evaluate(() => {
        const at = document.activeElement;
        return at?.getAttribute("aria-label") ?? at?.textContent?.trim() ?? "";
      }),
    );
  }
  const order = [
    "← your call",
    "unified",
    "agent.json",
    "changes of agent.json",
    "changes of crawler.mjs",
    "◆ APPR0VE 1bfaf24",
    "deny…",
  ];
  expect(
    order.map((name) => names.indexOf(name)).every((at, n, all) => at >= 0 && (n === 0 || at > (all[n - 1] ?? 0))),
    names.join(" → "),
  ).toBe(true);

  await page.goto(`${hive.home}/`);
  const more = page.getByRole("button", { name: "more for scout" });
  await more.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "destroy…" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "leave it" }).click();
  await page.getByRole("alertdialog").waitFor({ state: "detached" });
  expect(hive.called("destroy")).toEqual([]);
  // Leet is for the eye only.
  const names2 = await page
    .getByRole("heading", { level: 2 })
    .evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
  expect(names2).toEqual([
    "containers",
    "kept state",
    "meta inputs",
    "your call: what waits for you",
    "operator inbox",
    "message flow",
  ]);
  await context.close();
});
