import { afterAll, beforeAll, expect, test } from "vitest";
import { logIn, sharedBrowser } from "../lib/browser.ts";
import { cliInsideWith } from "../lib/cli-inside.ts";
import { TestHive } from "../lib/hive.ts";

/** Two credentials of a hive: each turn says which it used, and limits of one hold its agents alone. */

let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive()
    .play([
      { when: { from: "system" }, steps: [{ say: "noted" }] },
      { when: { text: "^limited" }, once: true, steps: [{ error: { status: 429, headers: { "retry-after": "3600" } } }] },
      { when: { text: "." }, steps: [{ say: "heard", headers: { "anthropic-ratelimit-unified-5h-utilization": "0.42" } }] },
    ])
    .start({ manager: false });
  expect(await hivectl(["credential", "add", "work", "--token-stdin"], "sk-ant-api03-of-work\n")).toMatch(
    /^work is kept\nno agent uses it/,
  );
  await hive.call("spawn", { name: "ada" });
  for (const name of ["scout", "poet"]) await hive.call("spawn", { name, config: { credential: "work" } });
});
afterAll(() => hive.dispose());

async function hivectl(words: string[], input = ""): Promise<string> {
  const { out, err } = await cliInsideWith(input, "--socket", hive.socket, ...words);
  expect(err).toBe("");
  return out;
}
const send = async (to: string, body: string): Promise<number> => (await hive.call("send", { to, body })).sent[0]?.id ?? 0;
const done = (id: number) => hive.untilMessage((message) => message.id === id && message.state === "done");
/** The turn that a message has started, once it has ended. */
async function turnOf(agent: string, message: number) {
  const { turns } = await hive.call("turns", { agent });
  return turns.find((turn) => turn.message === message);
}

test("each turn and each sum of usage says which credential was used, on the page and in hivectl", async () => {
  const [first, second] = [await send("ada", "hello"), await send("scout", "hello")];
  await done(first);
  await done(second);
  expect([(await turnOf("ada", first))?.credential, (await turnOf("scout", second))?.credential]).toEqual(["default", "work"]);
  const { rows } = await hive.call("usage_sums", { by: ["credential"] });
  expect(new Set(rows.map(({ credential }) => credential))).toEqual(new Set(["default", "work"]));
  expect((await hive.call("budget", {})).plan).toEqual([
    { window: "5h", used: 0.42 },
    { window: "5h", used: 0.42, credential: "work" },
  ]);
  const fetched = await hive.browser();
  const metrics = await (await fetched("/metrics")).text();
  expect(metrics).toMatch(/hive_model_tokens_total\{agent="scout",model="[^"]+",credential="work",kind="output"\} [1-9]/);
  expect(await hivectl(["turns", "scout"])).toMatch(/CREDENTIAL[^]*work/);
  expect(await hivectl(["usage", "--by", "credential", "--csv"])).toMatch(/^credential,requests[^]*\nwork,/);
  expect(await hivectl(["credential", "list"])).toMatch(/work +kept by the hive .*poet, scout/);
  const { page, problems } = await logIn(await sharedBrowser(), hive);
  await page.goto(`${hive.home}/usage`);
  await page.getByRole("region", { name: "tokens and cost by credential" }).getByRole("rowheader", { name: /^work/ }).waitFor();
  await page.goto(`${hive.home}/?open=turns:scout`);
  await page.getByRole("region", { name: "turns of scout" }).getByText("work").first().waitFor();
  expect(problems).toEqual([]);
  await page.context().close();
});

test("a rate limit of one credential parks the agents that use it, and no other", async () => {
  const limited = await send("scout", "limited");
  await hive.untilAgent("scout", (agent) => agent.state === "rate_limited");
  const poet = await hive.untilAgent("poet", (agent) => agent.state === "rate_limited");
  expect(poet.state_reason).toBe("the model's API limits the credential work that the agents share");
  await done(await send("ada", "hello"));
  await hive.call("set_paused", { name: "scout", paused: false });
  await done(limited);
});

test("a budget of a credential stops the agents that use it with one card, and no other; a raise lets them go on", async () => {
  await hivectl(["budget", "set", "--credential", "work", "--output-per-day", "1"]);
  await hive.untilAgent("poet", (agent) => agent.over_budget === true);
  const waiting = await send("poet", "hello");
  await done(await send("ada", "hello"));
  const { over, rows } = await hive.call("budget", {});
  expect(over).toMatchObject([{ scope: "credential", credential: "work", limit: "output_tokens_per_day" }]);
  expect(rows).toMatchObject([{ scope: "credential", credential: "work", allowed: 1 }]);
  expect(await hivectl(["pending"])).toMatch(/the agents of the credential work wait: .*budget raise --credential work/);
  const { page, problems } = await logIn(await sharedBrowser(), hive);
  const card = page.getByRole("article", { name: "budget of the credential work" });
  await card.getByText("Its agents wait").waitFor();
  await card.getByRole("button", { name: "no limit until midnight" }).click();
  await done(waiting);
  expect(problems).toEqual([]);
  await page.context().close();
  await hivectl(["budget", "set", "--credential", "work", "--output-per-day", "none"]);
});

test("one that agents use is removed only after the page has said so; it is then missing, and its agents say what to do", async () => {
  const { page, problems } = await logIn(await sharedBrowser(), hive);
  await page.goto(`${hive.home}/?open=credentials`);
  const dialog = page.getByRole("dialog", { name: "credentials for the model" });
  await dialog.getByRole("button", { name: "remove work" }).click();
  const sure = page.getByRole("alertdialog");
  await sure.getByText("It is used by poet, scout.").waitFor();
  await sure.getByRole("button", { name: "remove" }).click();
  await dialog.getByText("missing", { exact: false }).first().waitFor();
  expect(problems).toEqual([]);
  await page.context().close();
  await send("scout", "hello");
  const scout = await hive.untilAgent("scout", (agent) => agent.resumes_at !== undefined);
  expect(scout.state_reason).toMatch(/the credential work is missing: .*credential add work/);
  await hive.call("credential_add", { name: "work", token: "sk-ant-api03-of-work" });
  await hive.untilAgent("scout", (agent) => agent.resumes_at === undefined && agent.last_turn?.result === "ok");
});
