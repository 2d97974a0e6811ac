import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KIND_WORDS } from "../../ui/lib/limits.ts";
import { CHANGE_KINDS, HIVE_KINDS, isCost, type BudgetKind } from "../../src/wire/budget-kinds.ts";
import { logIn, sharedBrowser } from "../lib/browser.ts";
import { FakeClock } from "../lib/fake-clock.ts";
import { cleanEnv, TestHive } from "../lib/hive.ts";

/**
 * Limits that are set, reached and lifted in a real browser, by the forms of the page: every limit of the hive, of a
 * credential and of a change, and messages; over a restart, and over a midnight that comes an hour early.
 */

/** The evening of the day on which summer time begins in Berlin: the day has 23 hours, and ends at 22:00 UTC. */
const EVENING = Date.parse("2027-03-28T21:10:00Z");
const MIDNIGHT = "2027-03-28T22:00:00.000Z";
const bash = (command: string) => ({ name: "Bash", input: { command, description: "Work" } });
const tell = (body: string) => ({ name: "send", input: { to: "operator", body } });

let hive: TestHive;
let clock: FakeClock;
let offset: number;
let page: Page;
let problems: string[];

beforeAll(async () => {
  hive = new TestHive({ HIVE_TIME_ZONE: "Europe/Berlin" }).play([
    { when: { from: "system" }, steps: [{ say: "noted" }] },
    { when: { text: "^tell" }, steps: [{ tools: [tell("one")] }, { tools: [tell("two")] }, { say: "told" }] },
    {
      when: { text: "^greet" },
      steps: [
        {
          tools: [
            bash(
              "git switch -q -c greet && echo hello > greet.txt && git add -A && git commit -qm Greet && git push -q -u origin greet",
            ),
          ],
        },
        { tools: [{ name: "propose_change", input: { repo: "web", branch: "greet", title: "Greet", body: "As asked." } }] },
        { say: "Proposed.", usage: { input: 900, output: 1_000 } },
      ],
    },
    { when: { text: "." }, steps: [{ say: "heard", usage: { input: 900, output: 1_000 } }] },
  ]);
  clock = new FakeClock(hive.folder);
  Object.assign(hive.env, clock.env);
  offset = EVENING - Date.now();
  clock.set(offset);
  await hive.start({ manager: false });
  ({ page, problems } = await logIn(await sharedBrowser(), hive));
  await hive.call("spawn", { name: "scout" });
  await done(await send("scout", "hello"));
});
afterAll(async () => {
  await page.context().close();
  await hive.dispose();
});

const send = async (to: string, body: string): Promise<number> => (await hive.call("send", { to, body })).sent[0]?.id ?? 0;
const done = (id: number) => hive.untilMessage((message) => message.id === id && message.state === "done");
const limits = (): Locator => page.getByRole("dialog", { name: "limits" });
const row = (whose: string): Locator => limits().getByRole("region", { name: whose, exact: true });

/** Opens the limits, and sets one by the form. */
async function setLimit(of: string, kind: BudgetKind, amount: string): Promise<void> {
  await page.goto(`${hive.home}/?open=limits`);
  await limits().getByRole("combobox", { name: "of", exact: true }).selectOption(of);
  await limits().getByRole("combobox", { name: "limit", exact: true }).selectOption(kind);
  await limits().getByRole("textbox", { name: KIND_WORDS[kind] }).fill(amount);
  await limits().getByRole("textbox", { name: KIND_WORDS[kind] }).press("Enter");
}

/** Presses a button of the only limit of a subject. */
async function press(whose: string, button: string): Promise<void> {
  await row(whose)
    .getByRole("button", { name: /^change/ })
    .click();
  await row(whose).getByRole("button", { name: button, exact: true }).click();
}

const OF: readonly [of: string, whose: string, card: string, kinds: readonly BudgetKind[]][] = [
  ["hive", "the whole hive", "budget of the hive", HIVE_KINDS],
  ["credential:default", "the hive’s own credential", "budget of the credential default", HIVE_KINDS],
];

test.each(OF.flatMap(([of, whose, card, kinds]) => kinds.map((kind) => [of, kind, whose, card] as const)))(
  "%s reaches %s as soon as it is set on the page; its agents go on when it is lifted there",
  async (of, kind, whose, card) => {
    await setLimit(of, kind, isCost(kind) ? "0.01" : "1");
    await row(whose).getByRole("meter").waitFor();
    const id = await send("scout", "more");
    await page.getByRole("article", { name: card, includeHidden: true }).first().waitFor({ state: "attached" });
    await hive.untilAgent("scout", (agent) => agent.over_budget === true);
    await press(whose, "no limit until midnight");
    await done(id);
    await press(whose, "remove");
    await row(whose).waitFor({ state: "detached" });
    expect(problems).toEqual([]);
  },
);

test("messages of a minute over their limit are refused in the agent's tail, and pass once the page allows more", async () => {
  await setLimit("agent:scout", "messages_per_minute", "1");
  await row("scout").getByText("1 message a minute", { exact: true }).waitFor();
  await done(await send("scout", "tell"));
  await page.goto(`${hive.home}/agent/scout`);
  await page
    .getByText(/your budget is 1 message a minute: wait \d+ s/)
    .first()
    .waitFor();
  await setLimit("agent:scout", "messages_per_minute", "50");
  await row("scout").getByText("50 messages a minute", { exact: true }).waitFor();
  await done(await send("scout", "tell"));
  await hive.untilMessage(({ from, body }) => from === "scout" && body === "two");
  expect(problems).toEqual([]);
});

test("a change reaches each of its limits, and its agent goes on when the page lifts it for the change", async () => {
  const folder = join(hive.folder, "web");
  mkdirSync(folder);
  const env = cleanEnv({ HOME: hive.folder, GIT_TERMINAL_PROMPT: "0" });
  const git = (...argv: string[]) =>
    execFileSync("git", ["-C", folder, "-c", "user.name=op", "-c", "user.email=o@h", ...argv], { env });
  git("init", "-q", "-b", "main");
  writeFileSync(join(folder, "README.md"), "# web\n");
  git("add", "-A");
  git("commit", "-qm", "first");
  const program = join(import.meta.dirname, "../../dist/hivectl.js");
  const words = ["--socket", hive.socket, "repo", "add", "web", "."];
  execFileSync(process.execPath, [program, ...words], { cwd: folder, env: { ...env, ...clock.env } });
  await hive.call("spawn", { name: "ada", config: { repos: [{ name: "web" }] } });
  await done(await send("ada", "greet"));
  const { changes } = await hive.call("changes", {});
  const change = changes[0]?.id ?? 0;
  for (const kind of CHANGE_KINDS) {
    await setLimit(`change:${change}`, kind, isCost(kind) ? "0.01" : "1");
    const whose = `change ${change} of ada`;
    await row(whose).getByRole("meter").waitFor();
    const id = await send("ada", "more");
    await hive.untilAgent("ada", (agent) => agent.over_budget === true);
    await press(whose, "no limit for this change");
    await done(id);
    await press(whose, "remove");
    await row(whose).waitFor({ state: "detached" });
  }
  expect(problems).toEqual([]);
});

test("a limit that the page has set holds over a restart, and ends with a day of 23 hours", async () => {
  // Each message takes 1,000 tokens.
  await done(await send("scout", "more"));
  await setLimit("agent:scout", "output_tokens_per_day", "1.5k");
  await row("scout").getByText("1,500 output tokens a day", { exact: true }).waitFor();
  const id = await send("scout", "more");
  await hive.untilAgent("scout", (agent) => agent.over_budget === true);
  await hive.crash();
  await hive.start();
  await page.goto(hive.home);
  const card = page.getByRole("article", { name: "budget of scout" });
  await card.getByText("used of 1,500 output tokens a day").waitFor();
  expect((await hive.call("budget", {})).over).toMatchObject([{ agent: "scout", resets_at: MIDNIGHT, midnight: MIDNIGHT }]);
  await hive.crash();
  clock.set(offset + 3_600_000);
  await hive.start();
  await done(id);
  await page.goto(hive.home);
  await page.getByRole("link", { name: "scout" }).first().waitFor();
  expect(await card.count()).toBe(0);
});
