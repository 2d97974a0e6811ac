import type { Browser, Locator } from "playwright-core";
import { describe, expect, test } from "vitest";
import type { BudgetRow, OverBudget } from "../../src/wire/budget.ts";
import type { CredentialView } from "../../src/wire/model-credentials.ts";
import { busyHive } from "../lib/busy-hive.ts";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { aChange, anOverBudget } from "../lib/fixtures.ts";
import { openPage } from "../lib/fixture-page.ts";
import { sized, usePages, WIDTHS } from "../lib/pages.ts";

/** Credentials and limits on the page: what `hivectl credential` and `hivectl budget` can do can be done there. */

let browser: Browser;
let hive: FixtureHive;
usePages(busyHive, (theBrowser, theHive) => {
  browser = theBrowser;
  hive = theHive;
});

const WORK: CredentialView = {
  name: "work",
  source: "token",
  kind: "api-key",
  by: "operator",
  at: "2026-01-31T12:00:00.000Z",
  agents: ["scout"],
};
const OWN: CredentialView = { name: "default", source: "login", agents: ["hm1nd"] };

const SCOUT: BudgetRow = { scope: "agent", agent: "scout", limit: "cost_per_day_usd", allowed: 5, used: 5.2, from: "config" };
const ROWS: BudgetRow[] = [
  { scope: "hive", limit: "cost_per_day_usd", allowed: 50, used: 12.4, from: "operator" },
  { scope: "credential", credential: "work", limit: "output_tokens_per_day", allowed: 200_000, used: 12_000, from: "operator" },
  { scope: "default", limit: "turns_per_hour", allowed: 40, from: "default" },
  SCOUT,
  { scope: "change", change: 12, agent: "scout", limit: "cost_per_change_usd", allowed: 20, used: 4, from: "operator" },
];
const OVER: OverBudget = anOverBudget("scout", { used: 5.2 });

function answerBudget(rows: BudgetRow[] = ROWS, over: OverBudget[] = [OVER]): void {
  hive.answers.budget = () => ({ time_zone: "UTC", rows, over });
  hive.answers.budget_set = () => ({ rows });
  hive.answers.budget_answer = ({ limit = "cost_per_day_usd" }) => ({ limit, rows });
}

describe.each(WIDTHS)("at %i px", (width) => {
  test("a credential is added with its key pasted once, and shows who uses it, its limits and its plan", async () => {
    hive.answers.credentials = () => ({ credentials: [OWN, WORK] });
    hive.answers.credential_add = () => ({ credential: WORK });
    hive.answers.usage_sums = () => ({
      since: "2026-02-10",
      until: "2026-03-10",
      time_zone: "UTC",
      rows: [
        {
          credential: "work",
          agent: "poet",
          requests: 45,
          tokens: { input: 1, output: 1, cache_read: 0, cache_write: 0 },
          cost_usd: 3.2,
          unpriced: 0,
        },
      ],
      total: { requests: 45, tokens: { input: 1, output: 1, cache_read: 0, cache_write: 0 }, cost_usd: 3.2, unpriced: 0 },
      more: false,
    });
    answerBudget();
    hive.state.hive.plan = [
      { window: "5h", used: 0.25 },
      { window: "7d", used: 0.9, credential: "work" },
    ];
    const { page, problems } = await openPage(browser, hive, "/?open=credentials", sized(width));
    const dialog = page.getByRole("dialog", { name: "credentials for the model" });
    const work = dialog.getByRole("listitem").filter({ hasText: "kept by the hive" });
    await work.getByText("poet").waitFor();
    await work.getByText("45 answers").waitFor();
    await work.getByText("200,000 output tokens a day").waitFor();
    await work.getByText("work 7d").waitFor();
    expect(await dialog.getByText("5h").count()).toBe(1);
    expect(await work.getByRole("link", { name: "scout" }).getAttribute("href")).toBe("?open=turns%3Ascout");

    await dialog.getByLabel(/^name/).fill("work");
    const key = dialog.getByLabel("API key or long-lived token");
    expect(await key.getAttribute("type")).toBe("password");
    await key.fill("sk-ant-0123456789");
    await key.press("Enter");
    await page.getByText("work is kept; used by scout from the next request").waitFor();
    expect(hive.called("credential_add").at(-1)).toEqual({ name: "work", token: "sk-ant-0123456789" });
    expect(await key.inputValue()).toBe("");

    await dialog.getByRole("button", { name: "remove work" }).click();
    const question = page.getByRole("alertdialog");
    await question.getByText("It is used by scout.").waitFor();
    expect(hive.called("credential_remove")).toEqual([]);
    await question.getByRole("button", { name: "remove" }).click();
    await page.getByText("work is removed").waitFor();
    expect(hive.called("credential_remove").at(-1)).toEqual({ name: "work", force: true });

    await work.getByRole("link", { name: /^change/ }).click();
    await page.getByRole("dialog", { name: "limits" }).getByText("200,000 output tokens a day", { exact: true }).waitFor();
    expect(problems).toEqual([]);
  });

  test("a limit is set for the hive, each agent, an agent, a credential and a change", async () => {
    hive.answers.credentials = () => ({ credentials: [OWN, WORK] });
    answerBudget([], []);
    hive.state.changes = [aChange()];
    const { page, problems } = await openPage(browser, hive, "/?open=limits", sized(width));
    const dialog = page.getByRole("dialog", { name: "limits" });
    await dialog.getByText("There is no limit.").waitFor();
    const set = async (of: string, limit: string, amount: string): Promise<Record<string, unknown> | undefined> => {
      const before = hive.called("budget_set").length;
      await dialog.getByRole("combobox", { name: "of", exact: true }).selectOption(of);
      await dialog.getByRole("combobox", { name: "limit", exact: true }).selectOption(limit);
      const field = dialog.getByRole("textbox");
      await field.fill(amount);
      await field.press("Enter");
      await expect.poll(() => hive.called("budget_set").length).toBe(before + 1);
      await expect.poll(() => field.inputValue()).toBe("");
      return hive.called("budget_set").at(-1);
    };
    const limits = (of: object) => ({ remove: [], ...of });
    expect(await set("hive", "cost_per_day_usd", "50")).toEqual(limits({ scope: "hive", limits: { cost_per_day_usd: 50 } }));
    expect(await set("default", "turns_per_hour", "40")).toEqual(limits({ scope: "default", limits: { turns_per_hour: 40 } }));
    expect(await set("agent:scout", "messages_per_minute", "9")).toEqual(
      limits({ scope: "agent", agent: "scout", limits: { messages_per_minute: 9 } }),
    );
    expect(await set("change:12", "cost_per_change_usd", ".5")).toEqual(
      limits({ scope: "change", change: 12, limits: { cost_per_change_usd: 0.5 } }),
    );
    expect(await set("credential:work", "output_tokens_per_day", "200k")).toEqual(
      limits({ scope: "credential", credential: "work", limits: { output_tokens_per_day: 200_000 } }),
    );
    // What a scope cannot have is no choice.
    expect(await dialog.getByRole("combobox", { name: "limit", exact: true }).locator("option").count()).toBe(4);
    await dialog.getByRole("textbox").fill("a lot");
    await dialog.getByText(/^a whole number from 1 to/).waitFor();
    expect(await dialog.getByRole("button", { name: "set", exact: true }).isDisabled()).toBe(true);
    expect(problems).toEqual([]);
  });

  test("what concerns an agent has the limits of its credential", async () => {
    answerBudget([...ROWS, { scope: "credential", credential: "spare", limit: "turns_per_hour", allowed: 7, from: "operator" }]);
    hive.state.agents = hive.state.agents.map((one) => (one.name === "scout" ? { ...one, credential: "work" } : one));
    const { page, problems } = await openPage(browser, hive, "/?open=limits:agent:scout", sized(width));
    const dialog = page.getByRole("dialog", { name: "limits" });
    await dialog.getByRole("region", { name: "the credential work" }).waitFor();
    expect(await dialog.getByRole("region", { name: "the credential spare" }).count()).toBe(0);
    expect(problems).toEqual([]);
  });

  test("a limit is changed, raised, lifted, left stopped and removed where it is listed", async () => {
    answerBudget();
    const { page, problems } = await openPage(browser, hive, "/?open=limits", sized(width));
    const dialog = page.getByRole("dialog", { name: "limits" });
    const group = (name: string): Locator => dialog.getByRole("region", { name });
    const open = (name: string): Promise<void> =>
      group(name)
        .getByRole("button", { name: /^change/ })
        .click();

    await group("scout").first().getByText("$5.20 used").waitFor();
    await open("the whole hive");
    const amount = group("the whole hive").getByRole("form", { name: /^set/ }).getByRole("textbox");
    expect(await amount.inputValue()).toBe("50");
    await amount.fill("$60");
    await amount.press("Enter");
    await page.getByText("the whole hive: $60.00 a day").waitFor();
    expect(hive.called("budget_set").at(-1)).toEqual({ scope: "hive", limits: { cost_per_day_usd: 60 }, remove: [] });
    await amount.waitFor({ state: "detached" });

    await open("the credential work");
    await group("the credential work").getByRole("button", { name: "remove" }).click();
    await page.getByText("200,000 output tokens a day of the credential work is removed").waitFor();
    expect(hive.called("budget_set").at(-1)).toEqual({
      scope: "credential",
      credential: "work",
      limits: {},
      remove: ["output_tokens_per_day"],
    });

    const scout = dialog.getByRole("region", { name: "scout", exact: true });
    const openScout = (): Promise<void> => scout.getByRole("button", { name: /^change/ }).click();
    await openScout();
    // Its config has set it, and only a deploy removes that.
    expect(await scout.getByRole("button", { name: "remove" }).count()).toBe(0);
    const more = scout.getByRole("form", { name: /^raise/ }).getByRole("textbox");
    await more.fill("2.50");
    await more.press("Enter");
    await page.getByText("$2.50 more is allowed").waitFor();
    const asked = { scope: "agent", agent: "scout", limit: "cost_per_day_usd" };
    expect(hive.called("budget_answer").at(-1)).toEqual({ ...asked, answer: "raise", by: 2.5 });
    await openScout();
    await scout.getByRole("button", { name: "no limit until midnight" }).click();
    await page.getByText("$5.00 a day of scout does not count until midnight").waitFor();
    expect(hive.called("budget_answer").at(-1)).toEqual({ ...asked, answer: "lift" });
    await openScout();
    await scout.getByRole("button", { name: "stop" }).click();
    await page.getByText("it waits").waitFor();
    expect(hive.called("budget_answer").at(-1)).toEqual({ ...asked, answer: "stop" });

    await open("change 12 of scout");
    await group("change 12 of scout").getByRole("button", { name: "no limit for this change" }).click();
    await page.getByText("$20.00 a change of change 12 does not count for this change").waitFor();
    expect(hive.called("budget_answer").at(-1)).toEqual({
      scope: "change",
      change: 12,
      limit: "cost_per_change_usd",
      answer: "lift",
    });
    expect(problems).toEqual([]);
  });
});

test("a viewer sees credentials and limits and can act on none; an operator sets limits and adds no credential", async () => {
  answerBudget();
  hive.answers.credentials = () => ({ credentials: [OWN, WORK] });
  hive.state.you = { name: "vera", role: "viewer" };
  const seen = await openPage(browser, hive, "/?open=limits");
  await seen.page.getByText("$50.00 a day", { exact: true }).waitFor();
  const sheet = seen.page.getByRole("dialog");
  await sheet.getByText("You are logged in as vera, a viewer: you can read, and not act.").waitFor();
  expect(await sheet.getByRole("button").count()).toBe(1);
  expect(await sheet.getByRole("textbox").count()).toBe(0);
  await sheet.getByRole("link", { name: "credentials for the model" }).click();
  await sheet.getByText("kept by the hive").waitFor();
  expect(await sheet.getByRole("button").count()).toBe(1);

  hive.state.you = { name: "olga", role: "operator" };
  const { page, problems } = await openPage(browser, hive, "/?open=credentials");
  await page.getByRole("dialog").getByText("You are logged in as olga, an operator: only an admin can do this.").waitFor();
  expect(await page.getByRole("button", { name: /^remove/ }).count()).toBe(0);
  await page.getByRole("link", { name: "change for the limits of work" }).click();
  await page.getByRole("button", { name: "change 200,000 output tokens a day of the credential work" }).click();
  await page.getByRole("form", { name: /^set/ }).waitFor();
  expect([...seen.problems, ...problems]).toEqual([]);
});
