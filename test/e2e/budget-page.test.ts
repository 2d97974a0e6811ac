import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Budget } from "../../src/wire/budget.ts";
import { logIn, sharedBrowser } from "../lib/browser.ts";
import { TestHive } from "../lib/hive.ts";

/** Every limit, reached by a real agent and lifted again in a real browser. */

let hive: TestHive;
let page: Page;
let problems: string[];

beforeAll(async () => {
  hive = await new TestHive()
    .play([
      { when: { from: "system" }, steps: [{ say: "noted" }] },
      {
        when: { text: "." },
        steps: [
          { tools: [{ name: "set_status", input: { text: "half" } }], usage: { input: 900, output: 1_000 } },
          { say: "done", usage: { input: 1, output: 1 } },
        ],
      },
    ])
    .start({ manager: false });
  ({ page, problems } = await logIn(await sharedBrowser(), hive));
});
afterAll(async () => {
  await page.context().close();
  await hive.dispose();
});

const LIMITS: readonly [name: string, budget: Budget, card: string, press: RegExp][] = [
  ["perday", { cost_per_day_usd: 0.01 }, "$0.01 a day", /^\+\$5\.00$/],
  ["perturn", { cost_per_turn_usd: 0.01 }, "$0.01 a turn", /^\+\$5\.00$/],
  ["output", { output_tokens_per_day: 500 }, "500 output tokens a day", /^no limit until midnight$/],
  ["input", { input_tokens_per_day: 500 }, "500 uncached input tokens a day", /^no limit until midnight$/],
];

test.each(LIMITS)(
  "the agent %s reaches its limit in its turn, and goes on with the button of its card",
  async (name, budget, words, press) => {
    await hive.call("spawn", { name, config: { budget } });
    const id = (await hive.call("send", { to: name, body: "work" })).sent[0]?.id;
    const card = page.getByRole("article", { name: `budget of ${name}` });
    await card.getByText(`used of ${words}`).waitFor();
    const row = page.getByRole("region", { name: "agents" }).getByRole("listitem", { name });
    await row.getByText("over budget").waitFor();
    await page.getByText("1 budget used up").waitFor();
    await card.getByRole("button", { name: press }).click();
    await card.waitFor({ state: "detached" });
    await hive.untilMessage((message) => message.id === id && message.state === "done");
    expect(problems).toEqual([]);
  },
);

test("at four fifths the row has a warning; with the limit of turns the agent waits after its turn, and stop removes the card", async () => {
  const name = "turns";
  await hive.call("spawn", { name, config: { budget: { turns_per_hour: 1, output_tokens_per_day: 1_250 } } });
  await hive.call("send", { to: name, body: "work" });
  const row = page.getByRole("region", { name: "agents" }).getByRole("listitem", { name });
  await row.getByText("80 % of the budget of 1,250 output tokens a day is used").waitFor();
  const card = page.getByRole("article", { name: `budget of ${name}` });
  await card.getByText("1 turn used of 1 turn an hour").waitFor();
  await card.getByRole("button", { name: "stop" }).click();
  await card.waitFor({ state: "detached" });
  await row.getByText("over budget").waitFor();
  // It can still be raised from a terminal.
  const id = (await hive.call("send", { to: name, body: "more" })).sent[0]?.id;
  await hive.call("budget_answer", { scope: "agent", agent: name, answer: "raise", by: 10 });
  await hive.call("budget_set", { scope: "agent", agent: name, limits: { output_tokens_per_day: 10_000 } });
  await hive.untilMessage((message) => message.id === id && message.state === "done");
  expect(problems).toEqual([]);
});

test("a limit of the whole hive has one card", async () => {
  await hive.call("budget_set", { scope: "hive", limits: { cost_per_day_usd: 0.01 } });
  const card = page.getByRole("article", { name: "budget of the hive" });
  await card.getByText("Every agent waits").waitFor();
  const id = (await hive.call("send", { to: "perday", body: "more" })).sent[0]?.id;
  await card.getByRole("button", { name: "+$5.00" }).click();
  await card.waitFor({ state: "detached" });
  await hive.untilMessage((message) => message.id === id && message.state === "done");
  expect(problems).toEqual([]);
});
