import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { cliInside } from "../../../test/lib/cli-inside.ts";
import { aMessage, anAgent, anOverBudget, aState } from "../../../test/lib/fixtures.ts";
import { StubHost } from "../../../test/lib/stub-host.ts";
import type { BudgetRow } from "../../wire/budget.ts";

let host: StubHost;
beforeAll(async () => {
  host = await new StubHost().start();
});
afterAll(() => host.dispose());

const rows: BudgetRow[] = [
  { scope: "hive", limit: "cost_per_day_usd", allowed: 20, used: 7.5, from: "operator" },
  { scope: "default", limit: "output_tokens_per_day", allowed: 200_000, from: "default" },
  { scope: "agent", agent: "scout", limit: "cost_per_day_usd", allowed: 5, extra: 5, used: 5.02, from: "config" },
  { scope: "agent", agent: "ada", limit: "turns_per_hour", allowed: 9, used: 12, from: "operator", lifted: true },
];
beforeEach(() => {
  host.calls = [];
  host.answers = {
    budget: { time_zone: "Europe/Berlin", rows, over: [anOverBudget("scout")] },
    budget_set: { rows },
    budget_answer: { limit: "cost_per_day_usd", rows },
    pending: { approvals: [] },
    changes: { changes: [] },
    messages: { messages: [] },
  };
});
const hivectl = (line: string) => cliInside("--socket", host.socket, ...line.split(" "));

test("a listing has each limit with what is used, and what waits with the verbs that decide", async () => {
  const { out, err, code } = await hivectl("budget list");
  expect([err, code]).toEqual(["", 0]);
  expect(out).toMatch(/the whole hive +\$20\.00 a day +\$7\.50 +you/);
  expect(out).toMatch(/every agent +200,000 output tokens a day +default/);
  expect(out).toMatch(/scout +\$5\.00 a day +\$5\.02 +\+\$5\.00 +agent\.json/);
  expect(out).toMatch(/ada +9 turns an hour +12 turns +lifted for today +you/);
  expect(out).toContain("days are those of Europe/Berlin");
  expect(out).toMatch(
    /scout has used \$5\.02 of \$5\.00 a day; .*budget raise scout` adds \$5\.00, .*budget lift scout`.*budget stop scout`/,
  );
  expect((await hivectl("budget list ada")).out).not.toContain("scout");
});

test("what concerns an agent has the limits of its credential and of no other", async () => {
  const ofCredential = (credential: string): BudgetRow => ({
    scope: "credential",
    credential,
    limit: "cost_per_day_usd",
    allowed: 30,
    from: "operator",
  });
  const { agent: _agent, ...over } = anOverBudget("scout");
  host.answers.budget = {
    time_zone: "UTC",
    rows: [...rows, ofCredential("default"), ofCredential("work"), ofCredential("spare")],
    over: [{ ...over, scope: "credential", credential: "spare" }],
  };
  host.answers.state = { state: aState({ agents: [anAgent("scout", { credential: "work" }), anAgent("ada")] }) };
  const { out, code } = await hivectl("budget list scout");
  expect(code).toBe(0);
  expect(out).toContain("credential work");
  expect(out).not.toMatch(/credential (default|spare)/);
  const ada = (await hivectl("budget list ada")).out;
  expect(ada).toContain("credential default");
  expect(ada).not.toMatch(/credential (work|spare)/);
});

test("the limits of a subscription are below those of the hive", async () => {
  host.answers.budget = { time_zone: "UTC", rows: [], over: [], plan: [{ window: "5h", used: 0.423 }] };
  expect((await hivectl("budget list")).out).toBe("there is no limit: `npx hivectl budget set` makes one\nplan 5h: 42 % used\n");
});

test("what waits is in pending, until an operator has decided that it waits", async () => {
  expect((await hivectl("pending")).out).toMatch(/^scout has used \$5\.02 of \$5\.00 a day/);
  host.answers.budget = { time_zone: "UTC", rows, over: [anOverBudget("scout", { stopped_by: "operator" })] };
  expect((await hivectl("pending")).out).toBe("nothing waits for approval\n");
  expect((await hivectl("budget list")).out).toContain("left stopped by operator");
});

test("a held chain and a dead message are in pending, with the verbs that move them", async () => {
  host.answers.budget = { time_zone: "UTC", rows: [], over: [] };
  const held = aMessage("scout", "coder", "again", { id: 12, chain: 7, state: "held", reason: "a loop" });
  host.answers.messages = { messages: [held, aMessage("ada", "coder", "x", { id: 13, state: "dead" })] };
  const { out } = await hivectl("pending");
  expect(out).toMatch(/^message #12 of scout to coder is held \(a loop\): .*let-go 7`.*drop 12` drops it\n/);
  expect(out).toMatch(/\nmessage #13 of ada to coder is dead: .*retry 13`.*drop 13`/);
  expect(out).not.toContain("nothing waits");
  expect(host.calls).toContainEqual(expect.objectContaining({ name: "messages", input: { stuck: true, limit: 500 } }));
});

test.each([
  [
    "budget set @scout --cost-per-day $5 --turns-per-hour none",
    { scope: "agent", agent: "scout", limits: { cost_per_day_usd: 5 }, remove: ["turns_per_hour"] },
  ],
  ["budget set --default --output-per-day 200,000", { scope: "default", limits: { output_tokens_per_day: 200_000 }, remove: [] }],
  [
    "budget set scout --output-per-day 200k --input-per-day 1.5M",
    { scope: "agent", agent: "scout", limits: { output_tokens_per_day: 200_000, input_tokens_per_day: 1_500_000 }, remove: [] },
  ],
  [
    "budget set scout --output-per-day 4.1M --cost-per-day $1,000.50",
    { scope: "agent", agent: "scout", limits: { output_tokens_per_day: 4_100_000, cost_per_day_usd: 1000.5 }, remove: [] },
  ],
  ["budget set --hive --input-per-day 1_000", { scope: "hive", limits: { input_tokens_per_day: 1_000 }, remove: [] }],
])("%s sets what it says", async (line, input) => {
  expect(await hivectl(line)).toMatchObject({ code: 0, err: "" });
  expect(host.calls).toEqual([{ name: "budget_set", input }]);
});

test.each([
  [
    "budget raise scout --by 10",
    { scope: "agent", agent: "scout", answer: "raise", by: 10 },
    "the limit of $5.00 a day is raised\n",
  ],
  ["budget raise --hive --by 50k", { scope: "hive", answer: "raise", by: 50_000 }, /is raised/],
  ["budget lift --hive", { scope: "hive", answer: "lift" }, "the limit of $20.00 a day does not count until midnight\n"],
  [
    "budget stop scout --limit cost_per_day_usd",
    { scope: "agent", agent: "scout", answer: "stop", limit: "cost_per_day_usd" },
    /what it stops waits/,
  ],
])("%s decides", async (line, input, out) => {
  expect(await hivectl(line)).toMatchObject({ code: 0, out: typeof out === "string" ? out : expect.stringMatching(out) });
  expect(host.calls).toEqual([{ name: "budget_answer", input }]);
});

test.each([
  ["budget set --cost-per-day 5", /name one agent, or --hive/],
  ["budget set scout --hive --cost-per-day 5", /name one agent, or --hive/],
  ["budget set scout", /name a limit, such as --cost-per-day 5/],
  [
    "budget set scout --cost-per-day lots",
    /'lots' is not valid: it is an amount in US dollars from 0\.01 to 1,000,000, such as 5, or none/,
  ],
  [
    "budget set scout --turns-per-hour 1.5",
    /option '--turns-per-hour <amount>' argument '1\.5' is not valid: it is a whole number/,
  ],
  ["budget set scout --output-per-day 0.5", /'--output-per-day <amount>' .* whole number from 1 to .*or 200k/],
  ["budget set scout --cost-per-day 0.001", /'--cost-per-day <amount>' .* from 0\.01 to/],
  ["budget set --hive --cost-per-turn 1", /--cost-per-turn is a limit of each agent, not of the hive/],
  ["budget set --hive --messages-per-minute none", /--messages-per-minute is a limit of each agent/],
  ["budget raise scout --by 0", /'0' is not valid: it is a number above 0, such as 5 or 200k\.\n/],
  // A comma that stands for a point elsewhere would make it a hundred times as much.
  ["budget set scout --cost-per-day 0,50", /'0,50' is not valid/],
  ["budget set scout --cost-per-day 1,2,3", /'1,2,3' is not valid/],
  ["budget set scout --cost-per-day $", /'\$' is not valid/],
  ["budget raise scout --by 2,50", /'2,50' is not valid/],
  ["budget raise scout --by 0.5usd", /'0\.5usd' is not valid: it is a number above 0, such as/],
  ["budget raise scout --by none", /'none' is not valid: it is a number above 0, such as/],
  ["budget raise", /name one agent, or --hive/],
])("%s is a usage error", async (line, words) => {
  expect(await hivectl(line)).toMatchObject({ code: 2, err: expect.stringMatching(words) });
  expect(host.calls).toEqual([]);
});
