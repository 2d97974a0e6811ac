import { afterAll, beforeAll, expect, test } from "vitest";
import { logIn, sharedBrowser } from "../lib/browser.ts";
import { TestHive } from "../lib/hive.ts";

/** Limits of the model's API, rehearsed: they hold every agent of the credential, and an outage only the one that meets it. */

const RESET = Math.floor(Date.now() / 1000) + 3600;
let hive: TestHive;

beforeAll(async () => {
  hive = await new TestHive()
    .play([
      { when: { from: "system" }, steps: [{ say: "noted" }] },
      { when: { text: "^limited" }, once: true, steps: [{ error: { status: 429, headers: { "retry-after": "3600" } } }] },
      { when: { text: "^down" }, once: true, steps: [{ error: { status: 529, headers: { "x-should-retry": "false" } } }] },
      {
        when: { text: "." },
        steps: [
          {
            say: "heard",
            headers: {
              "anthropic-ratelimit-unified-5h-utilization": "0.42",
              "anthropic-ratelimit-unified-5h-reset": String(RESET),
              "anthropic-ratelimit-unified-7d-utilization": "0.91",
            },
          },
        ],
      },
    ])
    .start({ manager: false });
  for (const name of ["ada", "scout"]) await hive.call("spawn", { name });
});
afterAll(() => hive.dispose());

const send = async (to: string, body: string): Promise<number> => (await hive.call("send", { to, body })).sent[0]?.id ?? 0;
const done = (id: number) => hive.untilMessage((message) => message.id === id && message.state === "done");

test("the limits of a plan are a chip and bars on the page, and lines of hivectl", async () => {
  await done(await send("ada", "hello"));
  const plan = [
    { window: "5h", used: 0.42, resets_at: new Date(RESET * 1000).toISOString() },
    { window: "7d", used: 0.91 },
  ];
  expect((await hive.call("budget", {})).plan).toEqual(plan);
  const { page, problems } = await logIn(await sharedBrowser(), hive);
  await page.getByRole("link", { name: "7d 91 %" }).click();
  const bars = page.getByRole("group", { name: "limits of the subscription" });
  await bars.getByText("42 %").waitFor();
  expect(await bars.getByRole("meter").count()).toBe(2);
  expect(problems).toEqual([]);
  await page.context().close();
});

test("an outage parks the agent that meets it, and no other", async () => {
  const id = await send("ada", "down");
  await hive.untilAgent("ada", (agent) => agent.resumes_at !== undefined);
  await done(await send("scout", "hello"));
  await hive.call("set_paused", { name: "ada", paused: false });
  await done(id);
});

test("a rate limit parks all who share the credential until its end; one that tries and gets an answer lets the others follow", async () => {
  const limited = await send("scout", "limited");
  const isHeld = (name: string) => hive.untilAgent(name, (agent) => agent.state === "rate_limited");
  const [scout, ada] = [await isHeld("scout"), await isHeld("ada")];
  expect(ada.state_reason).toContain("limits the credential that the agents share");
  // One countdown, but for the seconds between two that go on.
  expect(Math.abs(Date.parse(ada.resumes_at ?? "") - Date.parse(scout.resumes_at ?? ""))).toBeLessThan(60_000);
  const waiting = await send("ada", "hello");
  await hive.call("set_paused", { name: "scout", paused: false });
  await done(limited);
  await done(waiting);
});
