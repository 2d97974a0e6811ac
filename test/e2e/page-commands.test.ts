import type { Browser } from "playwright-core";
import { expect, test } from "vitest";
import { busyHive, busyState } from "../lib/busy-hive.ts";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { openPage } from "../lib/fixture-page.ts";
import { HiveError } from "../../src/wire/error.ts";
import { layoutFaults, smallTargets } from "../lib/page-layout.ts";
import { sized, usePages, WIDTHS } from "../lib/pages.ts";
import { aHive, aLogin, anAgent, aState } from "../lib/fixtures.ts";

/** What the operator commands on the pages, over made-up data: agents, their turns and configs, and the log-in to the model. */

let browser: Browser;
let hive: FixtureHive;
usePages(busyHive, (theBrowser, theHive) => {
  browser = theBrowser;
  hive = theHive;
});

test.each(WIDTHS)(
  "at %i px every slash command has its effect; the turn is cancelled by its button, or its message is returned",
  async (width) => {
    hive.answers.cancel = () => ({ cancelled: true });
    hive.state = {
      ...busyState(),
      agents: [anAgent("hm1nd"), anAgent("scout", { state: "thinking", turn: 3, turn_started_at: new Date().toISOString() })],
    };
    const { page, problems } = await openPage(browser, hive, "/agent/scout", sized(width));
    const box = page.getByRole("textbox", { name: "message to scout" });
    const type = async (text: string): Promise<void> => {
      await box.fill(text);
      await page.keyboard.press("Escape");
      await box.press("Enter");
    };
    await page.getByText("can you crawl cs.MA daily").first().waitFor();
    await type("/help");
    await page.getByRole("dialog").getByText("empty the screen").waitFor();
    await page.keyboard.press("Escape");
    await type("/clear");
    await page.getByText("can you crawl cs.MA daily").first().waitFor({ state: "detached" });
    for (const [text, name, input] of [
      ["/cancel", "cancel", { name: "scout" }],
      ["/compact", "compact", { name: "scout" }],
      ["/model opus", "model", { name: "scout", model: "opus" }],
      ["/new-session", "new_session", { name: "scout" }],
      ["/pause", "set_paused", { name: "scout", paused: true }],
      ["/resume", "set_paused", { name: "scout", paused: false }],
    ] as const) {
      await type(text);
      await expect.poll(() => hive.called(name).at(-1)).toEqual(input);
    }
    await type("/state/notes.md is old");
    await expect.poll(() => hive.called("send").at(-1)).toMatchObject({ to: "scout", body: "/state/notes.md is old" });
    await page.getByRole("button", { name: "cancel turn" }).click();
    await expect.poll(() => hive.called("cancel").at(-1)).toEqual({ name: "scout", return: false });
    // The bar of a phone has no room for the second button.
    if (width > 900) {
      hive.tell({
        kind: "agent",
        agent: anAgent("scout", { state: "thinking", turn: 4, turn_started_at: new Date().toISOString() }),
      });
      await page.getByRole("button", { name: "give back" }).click();
      await expect.poll(() => hive.called("cancel").at(-1)).toEqual({ name: "scout", return: true });
    }
    expect(problems).toEqual([]);
  },
);

test("spawn at once, the config in its drawer, destroy and revive: each asks first if it is final, and sends what it says", async () => {
  const spawned = anAgent("poet");
  hive.answers.spawn = () => {
    hive.tell({ kind: "agent", agent: spawned });
    return { agent: spawned, risks: [] };
  };
  hive.answers.destroy = () => {
    hive.tell({ kind: "agent", agent: { ...spawned, destroyed: true, running: false, state: "offline" } });
    return {};
  };
  hive.answers.revive = () => {
    hive.tell({ kind: "agent", agent: spawned });
    return { agent: spawned };
  };
  const { page, problems } = await openPage(browser, hive, "/?tab=swarm");
  await page.getByRole("button", { name: "+ request spawn" }).click();
  expect(page.url()).toContain("open=spawn");
  await page.getByLabel("name").fill("poet");
  await page.getByRole("button", { name: "spawn at once" }).click();
  const row = page.getByRole("region", { name: "agents" }).getByRole("listitem", { name: "poet" });
  await row.getByText(/idle/).waitFor();
  expect(hive.called("spawn")).toEqual([{ name: "poet" }]);
  const choose = async (item: string): Promise<void> => {
    await row.hover();
    await row.getByRole("button", { name: "more for poet" }).click();
    await page.getByRole("menuitem", { name: item }).click();
  };
  await choose("config");
  expect(page.url()).toContain("open=config");
  await page.getByRole("tab", { name: "agent.nix" }).click();
  await page.getByText("hyperhive = lib").waitFor();
  await page.goBack();
  await page.getByText("hyperhive = lib").waitFor({ state: "detached" });
  await choose("destroy…");
  expect(hive.called("destroy")).toEqual([]);
  await page.getByRole("alertdialog").getByRole("button", { name: "destroy, keep its state" }).click();
  await row.waitFor({ state: "detached" });
  expect(hive.called("destroy")).toEqual([{ name: "poet", purge: false }]);
  const kept = page.getByRole("region", { name: "kept state" }).getByRole("listitem").filter({ hasText: "poet" });
  await kept.getByRole("button", { name: "revive" }).click();
  await row.getByText(/idle/).waitFor();
  expect(hive.called("revive")).toEqual([{ name: "poet" }]);
  expect(problems).toEqual([]);
});

test.each(WIDTHS)(
  "at %i px a denied connection shows the reason, and its host is proposed after a confirmation",
  async (width) => {
    hive.state = busyState();
    const { page, problems } = await openPage(browser, hive, "/agent/scout", sized(width));
    if (width < 900) await page.getByRole("link", { name: /about|inbox/ }).click();
    await page.getByText("docs.example:443").waitFor();
    const denied = page.getByRole("listitem").filter({ hasText: "export.arxiv.org:443" });
    await denied.getByText("not listed").waitFor();
    await denied.getByRole("button", { name: "propose export.arxiv.org…" }).click();
    expect(hive.called("propose")).toEqual([]);
    await page.getByRole("alertdialog").getByRole("button", { name: "propose" }).click();
    await expect.poll(() => hive.called("propose")).toHaveLength(1);
    const [proposed] = hive.called("propose") as { agent: string; files: { path: string; base64: string }[] }[];
    expect(proposed?.agent).toBe("scout");
    const config = proposed?.files.find(({ path }) => path === "agent.json");
    expect(JSON.parse(Buffer.from(config?.base64 ?? "", "base64").toString())).toMatchObject({
      egress: expect.arrayContaining(["export.arxiv.org"]) as string[],
    });
    expect(problems).toEqual([]);
  },
);

test.each(WIDTHS)("at %i px the hive is logged in to the model with the keyboard alone, and out of it again", async (width) => {
  hive.state = aState({ hive: aHive({ mode: "rehearsal", credential: { source: "none" } }) });
  const { page, problems } = await openPage(browser, hive, "/", sized(width));
  const dialog = page.getByRole("dialog", { name: "log in to the model" });
  await page
    .locator("header.bar")
    .getByRole("link", { name: /^rehearsal/ })
    .press("Enter");
  hive.answers.model_login_start = ({ again }) => {
    if (again !== true) throw new HiveError("conflict", "a log-in to the model runs already");
    return aLogin();
  };
  await dialog.getByRole("button", { name: "get the address" }).press("Enter");
  await dialog.getByRole("alert").getByText("runs already").waitFor();
  await dialog.getByRole("button", { name: "cancel it and begin anew" }).press("Enter");

  const link = dialog.getByRole("link", { name: "open it" });
  await expect.poll(() => link.evaluate((at) => at === document.activeElement)).toBe(true);
  expect(await link.getAttribute("href")).toBe(aLogin().url);
  expect(await dialog.getByRole("textbox", { name: "address" }).inputValue()).toBe(aLogin().url);
  expect([...(await layoutFaults(page)), ...(width < 900 ? await smallTargets(page) : [])]).toEqual([]);
  // It goes on while the dialog is closed.
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await page
    .locator("header.bar")
    .getByRole("link", { name: /^rehearsal/ })
    .press("Enter");
  const code = dialog.getByRole("textbox", { name: "the code that the page shows" });
  await code.fill("half-of-it");
  await code.press("Enter");
  expect(hive.called("model_login_finish")).toEqual([]);
  hive.answers.model_login_finish = () => {
    hive.tell({
      kind: "hive",
      hive: { ...hive.state.hive, mode: "live", upstream: "api.anthropic.com", credential: { source: "login", by: "operator" } },
    });
    return { source: "login" as const, by: "operator" };
  };
  await code.fill(" abc#def ");
  await code.press("Enter");
  await dialog.getByText("Model requests go to api.anthropic.com from now on").waitFor();
  expect(hive.called("model_login_finish")).toEqual([{ login: "c0ffee", code: "abc#def" }]);
  const done = dialog.getByRole("button", { name: "done" });
  await expect.poll(() => done.evaluate((at) => at === document.activeElement)).toBe(true);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });

  await page.locator("header.bar").getByRole("link", { name: "api.anthropic.com" }).press("Enter");
  hive.answers.model_logout = () => ({ source: "none" as const });
  await dialog.getByRole("button", { name: "log out" }).press("Enter");
  await expect.poll(() => hive.called("model_logout")).toHaveLength(1);
  await dialog.waitFor({ state: "detached" });

  hive.state = aState({ you: { name: "bob", role: "operator" }, hive: aHive({ credential: { source: "none" } }) });
  const other = await openPage(browser, hive, "/?open=login", sized(width));
  await other.page.getByText("You are logged in as bob, an operator: only an admin can do this.").waitFor();
  expect(await other.page.getByRole("button", { name: "get the address" }).count()).toBe(0);
  // The refusal is in the console, too.
  expect(problems.filter((one) => !one.includes("409"))).toEqual([]);
});
