import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { launch } from "../../test/lib/browser.ts";
import { busyHive } from "../../test/lib/busy-hive.ts";
import { workHive } from "../../test/lib/work-hive.ts";
import { aLogin, NOW } from "../../test/lib/fixtures.ts";
import type { FixtureHive } from "../../test/lib/fixture-hive.ts";
import { drawIcons } from "./icons.ts";
import { askingHive, crowdedHive, emptyHive, LONG_NAME, manyFilesHive, troubleHive } from "./scenes.ts";

/**
 * `npm run screens`: screenshots of every page and state over made-up hives, at a fixed time, so that every run makes
 * the same pictures; and the icons. An argument selects the screenshots whose name contains it.
 */

interface Shot {
  path: string;
  /** A tab that only exists on a phone. At desktop width it is the same page. */
  isPhone?: boolean;
  /** Actions on the page before the screenshot. */
  act?: (page: Page, hive: FixtureHive) => Promise<unknown>;
}

const SCENES: { hive: () => FixtureHive; shots: Record<string, Shot> }[] = [
  {
    hive: busyHive,
    shots: {
      dashboard: { path: "/" },
      containers: { path: "/?tab=swarm", isPhone: true },
      flow: { path: "/?tab=flow", isPhone: true },
      meta: { path: "/?tab=meta", isPhone: true },
      search: { path: "/?q=crawl&tab=flow" },
      approval: { path: "/approval/42" },
      "approval-split": { path: "/approval/42?view=split" },
      history: { path: "/history" },
      swarm: { path: "/swarm" },
      usage: { path: "/usage" },
      agent: { path: "/agent/scout" },
      about: { path: "/agent/scout?tab=side", isPhone: true },
      gone: { path: "/agent/old-timer" },
      turns: { path: "/agent/scout?open=turns:scout" },
      cost: { path: "/agent/scout?open=cost:scout" },
      "cost-all": { path: "/?open=cost" },
      config: { path: "/?open=config:scout" },
      deploys: { path: "/?open=deploys:scout" },
      logs: { path: "/?open=logs:scout" },
      credentials: { path: "/?open=credentials" },
      limits: { path: "/?open=limits" },
      "limits-changed": {
        path: "/?open=limits:agent:scout",
        act: (page) =>
          page
            .getByRole("dialog")
            .getByRole("button", { name: /^change/ })
            .nth(1)
            .click(),
      },
      inbox: { path: "/?tab=inbox", isPhone: true },
      thread: { path: "/?open=thread:10" },
      spawn: { path: "/?open=spawn" },
      keys: {
        path: "/",
        act: async (page) => {
          await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
          await page.keyboard.press("?");
          await page.getByRole("dialog").waitFor();
        },
      },
      menu: {
        path: "/?tab=swarm",
        async act(page) {
          await page.getByRole("button", { name: "more for scout" }).click();
          await page.getByRole("menuitem").first().waitFor();
        },
      },
      destroy: {
        path: "/?tab=swarm",
        async act(page) {
          await page.getByRole("button", { name: "more for scout" }).click();
          await page.getByRole("menuitem", { name: "destroy…" }).click();
          await page.getByRole("alertdialog").waitFor();
        },
      },
      deny: { path: "/approval/42", act: (page) => page.keyboard.press("d") },
      commands: {
        path: "/agent/scout",
        act: (page) => page.locator(".agent-page textarea").first().fill("/"),
      },
      reconnecting: {
        path: "/",
        async act(page, hive) {
          await hive.stop();
          await page.getByText("connecting").first().waitFor({ state: "attached" });
        },
      },
      login: { path: "/login" },
      "model-login": { path: "/?open=login" },
      "model-login-code": {
        path: "/?open=login",
        async act(page, hive) {
          hive.answers.model_login_start = () => aLogin();
          await page.getByRole("button", { name: "get the address" }).click();
          await page.getByRole("link", { name: "open it" }).waitFor();
        },
      },
    },
  },
  {
    hive: emptyHive,
    shots: {
      empty: { path: "/" },
      "empty-flow": { path: "/?tab=flow", isPhone: true },
      "empty-agent": { path: "/agent/hm1nd" },
      "empty-swarm": { path: "/swarm" },
      "empty-work": { path: "/work" },
    },
  },
  {
    hive: troubleHive,
    shots: {
      trouble: { path: "/?tab=swarm" },
      stuck: { path: "/?tab=call", isPhone: true },
      "failed-deploy": { path: "/?open=deploys:misread" },
      parked: { path: "/agent/parked" },
      "not-ready": { path: "/agent/unbuilt" },
      refused: {
        path: "/?tab=flow",
        async act(page) {
          const box = page.locator(".compose textarea").first();
          await box.fill("@parked are you there?");
          await box.press("Enter");
          await page.getByText("is full").first().waitFor();
        },
      },
    },
  },
  {
    hive: workHive,
    shots: {
      work: { path: "/work" },
      repository: { path: "/work/web" },
      change: { path: "/change/12" },
      "change-split": { path: "/change/12?view=split" },
      "change-checked": { path: "/change/13" },
      "change-came-back": { path: "/change/16" },
      "change-comment": {
        path: "/change/12",
        async act(page) {
          await page.locator("[data-place]").nth(3).click();
          await page.locator(".comment-box textarea").fill("And if the mirror is behind?");
        },
      },
      "change-return": { path: "/change/12", act: (page) => page.keyboard.press("r") },
      "change-log": { path: "/change/13?open=check:13" },
      "work-call": { path: "/?tab=call&card=change-12" },
      "work-drafts": {
        path: "/?tab=call&card=change-12",
        async act(page) {
          await page.getByRole("button", { name: /^◆ approve/ }).click();
          await page.getByText("not sent").waitFor();
        },
      },
      "work-veto": { path: "/?tab=call&card=change-18" },
      "change-conflict": { path: "/change/17" },
      "work-agent": { path: "/agent/scout?tab=side" },
      "new-repository": { path: "/work?open=repo" },
    },
  },
  { hive: manyFilesHive, shots: { "change-of-many-files": { path: "/change/12" } } },
  { hive: askingHive, shots: { questions: { path: "/?tab=call" } } },
  {
    hive: crowdedHive,
    shots: {
      crowded: { path: "/?tab=swarm" },
      "crowded-call": { path: "/?tab=call", isPhone: true },
      "crowded-flow": { path: "/?tab=flow", isPhone: true },
      "crowded-swarm": { path: "/swarm" },
      "long-name": { path: `/agent/${LONG_NAME}` },
    },
  },
];
const WIDTHS = { "1440": { width: 1440, height: 900 }, "390": { width: 390, height: 844 } };

const [wanted = ""] = process.argv.slice(2);
const folder = join(process.cwd(), "docs/screens");
mkdirSync(folder, { recursive: true });
// Remove screenshots that no scene makes any more.
if (wanted === "") for (const file of readdirSync(folder)) if (file.startsWith("hive-")) rmSync(join(folder, file));
const browser = await launch();
if ("icons".includes(wanted)) await drawIcons(browser);
for (const scene of SCENES) {
  for (const [name, { path, isPhone, act }] of Object.entries(scene.shots)) {
    if (!name.includes(wanted)) continue;
    for (const [width, viewport] of Object.entries(WIDTHS)) {
      if (isPhone && width !== "390") continue;
      const hive = await scene.hive().start();
      const context = await browser.newContext({ viewport, reducedMotion: "reduce" });
      const page = await context.newPage();
      await page.clock.setFixedTime(NOW);
      await page.goto(hive.home + path);
      await page.locator("main").first().waitFor();
      if (path.includes("open=")) await page.getByRole("dialog").waitFor();
      if (/\/(?:approval|change)\//.test(path)) await page.locator(".ln").first().waitFor();
      await page.waitForFunction(() => !/reading the (?:diff|change)|searching…/.test(document.body.innerText));
      await act?.(page, hive);
      await page.waitForFunction(() => document.querySelector(".as-written") === null);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      await page.screenshot({ path: join(folder, `hive-${name}-${width}.png`) });
      await context.close();
      await hive.stop();
    }
  }
}
await browser.close();
