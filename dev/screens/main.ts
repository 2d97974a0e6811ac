import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { launch } from "../../test/lib/browser.ts";
import { busyHive } from "../../test/lib/busy-hive.ts";
import { NOW } from "../../test/lib/fixtures.ts";

/** Pictures of the pages over the made-up hive, at one fixed moment: the same picture with every run. */

const PAGES: Record<string, string> = {
  "hive-dashboard": "/",
  "hive-containers": "/?tab=swarm",
  "hive-flow": "/?tab=flow",
  "hive-search": "/?q=crawl&tab=flow",
  "hive-approval": "/approval/42",
  "hive-approval-split": "/approval/42?view=split",
  "hive-history": "/history",
  "hive-swarm": "/swarm",
  "hive-agent": "/agent/scout",
  "hive-turns": "/agent/scout?open=turns:scout",
  "hive-config": "/?open=config:scout",
  "hive-spawn": "/?open=spawn",
  "hive-login": "/login",
};
const WIDTHS = { "1440": { width: 1440, height: 900 }, "390": { width: 390, height: 844 } };

const folder = join(process.cwd(), "docs/screens");
mkdirSync(folder, { recursive: true });
const hive = await busyHive().start();
const browser = await launch();
for (const [width, viewport] of Object.entries(WIDTHS)) {
  const context = await browser.newContext({ viewport, reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.clock.setFixedTime(NOW);
  for (const [name, path] of Object.entries(PAGES)) {
    await page.goto(hive.home + path);
    await page.locator("main").first().waitFor();
    if (path.includes("open=")) await page.getByRole("dialog").waitFor();
    if (path.includes("approval")) await page.locator(".ln").first().waitFor();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    await page.screenshot({ path: join(folder, `${name}-${width}.png`) });
  }
  await context.close();
}
await browser.close();
await hive.stop();
