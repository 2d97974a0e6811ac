import type { Browser } from "playwright-core";
import { expect, test } from "vitest";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { openPage } from "../lib/fixture-page.ts";
import { aChange, aRepo } from "../lib/fixtures.ts";
import { layoutFaults, sidewaysScrollers, smallTargets } from "../lib/page-layout.ts";
import { sized, usePages } from "../lib/pages.ts";
import { pulledChange, workHive } from "../lib/work-hive.ts";

/** What the pages show of pull requests, and what they send. */

let browser: Browser;
let hive: FixtureHive;
usePages(workHive, (theBrowser, theHive) => {
  browser = theBrowser;
  hive = theHive;
});

test.each([1440, 390])(
  "at %i px: a change in a pull request links to it, says what does not work, and closes it",
  async (width) => {
    hive.answers.change_dequeue = ({ change }) => ({ change: aChange({ id: change, seq: 3000 }) });
    const { page, problems } = await openPage(browser, hive, "/change/19", { ...sized(width), hasTouch: width < 700 });
    const link = page.getByRole("link", { name: "https://github.com/acme/web/pull/128" });
    await link.waitFor();
    expect(await link.getAttribute("href")).toBe("https://github.com/acme/web/pull/128");
    expect(await link.getAttribute("rel")).toContain("noopener");
    await page.getByText("pull request 128 is open").waitFor();
    await page.getByText("it is tried again: api.github.com limits how often it is asked").waitFor();
    expect(await page.locator('[aria-current="step"]').textContent()).toBe("in pull request");
    expect([...(await layoutFaults(page)), ...(await sidewaysScrollers(page))]).toEqual([]);
    if (width < 700) expect(await smallTargets(page)).toEqual([]);
    expect(await page.getByRole("button", { name: "to the front" }).count()).toBe(0);
    hive.answers.repo_fetch = ({ name }) => ({ repo: aRepo(name), moved: [], diverged: [], gone: [] });
    await page.getByRole("button", { name: "look now" }).click();
    await expect.poll(() => hive.called("repo_fetch")).toEqual([{ name: "web" }]);
    await page.getByRole("button", { name: "close the pull request" }).click();
    await expect.poll(() => hive.called("change_dequeue")).toEqual([{ change: 19 }]);
    await link.waitFor({ state: "detached" });
    // It is merged there.
    const pull = { ...pulledChange().pull_request, state: "merged" as const, failed: undefined };
    const merged = aChange({
      ...pulledChange(),
      seq: 3100,
      state: "merged",
      pull_request: { ...pull, forge: "github", branch: "b" },
    });
    hive.tell({ kind: "change", seq: 3100, change: merged });
    await page.getByText("pull request 128 is merged").waitFor();
    expect(await page.getByRole("button", { name: "look now" }).count()).toBe(0);
    // That of the tour is on a host that no browser can open.
    const url = "https://rehearsal.invalid/tour/greeter/pull/1";
    const rehearsed = { ...merged, seq: 3200, pull_request: { ...pull, forge: "github" as const, branch: "b", url } };
    hive.tell({ kind: "change", seq: 3200, change: rehearsed });
    await page.getByText(`${url} · a rehearsed host inside this hive`).waitFor();
    expect(await page.getByRole("link", { name: url }).count()).toBe(0);
    expect(problems).toEqual([]);
  },
);

test("the settings of a repository on another host hand its changes over, and never push its bases then", async () => {
  const remote = { credential: "token" as const };
  const web = aRepo("web", { upstream: "https://github.com/acme/web.git", remote, push: "after-merge" });
  hive.state = { ...hive.state, repos: [web] };
  hive.answers.repo = () => ({ repo: web, branches: [] });
  hive.answers.repo_set = () => ({ repo: { ...web, forge: "github", push: "never", forge_text: "as-written" } });
  const { page, problems } = await openPage(browser, hive, "/work/web");
  await page.getByLabel("where approved changes are merged").selectOption("github");
  await page.getByLabel("mentions and issues in pull requests").selectOption("as-written");
  await page.getByRole("button", { name: "save" }).click();
  await expect
    .poll(() => hive.called("repo_set"))
    .toEqual([{ name: "web", forge: "github", push: "never", forge_text: "as-written" }]);
  expect(problems).toEqual([]);
});
