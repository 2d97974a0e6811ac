import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeClock } from "../lib/fake-clock.ts";
import { TestHive } from "../lib/hive.ts";
import { spawnStopped, standIn, type StandIn } from "../lib/stand-in.ts";

/** A real daemon whose wall clock jumps while it runs. */

const HOUR = 3600_000;
const DAY = 24 * HOUR;
/** Maximum difference between a reading of the jumped clock and ours. */
const SLACK_MS = 60_000;
let hive: TestHive;
let clock: FakeClock;
let ada: StandIn;
const INSTANCE = "clock-test-harness";

beforeAll(async () => {
  hive = new TestHive().play([
    { when: { from: "system" }, steps: [{ say: "noted" }] },
    {
      when: { text: "." },
      steps: [{ tools: [{ name: "send", input: { to: "{{sender}}", body: "heard {{body}}" } }] }, { say: "done" }],
    },
  ]);
  clock = new FakeClock(hive.folder);
  Object.assign(hive.env, clock.env);
  await hive.start();
  await spawnStopped(hive, "ada");
  ada = await standIn(hive, "ada", INSTANCE);
});
afterAll(async () => {
  clock.set(0);
  ada.client.close();
  await hive.dispose();
});

async function sendToAda(body: string): Promise<number> {
  const { sent } = await hive.call("send", { to: "ada", body });
  return sent[0]?.id ?? 0;
}
async function message(id: number) {
  const { messages } = await hive.call("messages", { agent: "ada", limit: 100 });
  return messages.find((one) => one.id === id);
}
/** The next message that the stand-in gets. */
async function next(): Promise<{ id: number; token: string; redelivered: boolean; body: string }> {
  const { message: served, token } = await ada.client.call("next", {});
  if (!served || token === undefined) throw new Error("told to sleep");
  return { id: served.id, token, redelivered: served.redelivered, body: served.body };
}
const finish = () => ada.client.call("finish", { turn: 1, outcome: { kind: "ok" } });

test.each([
  ["2 h forward", 2 * HOUR],
  ["2 h back", -2 * HOUR],
  ["30 days forward", 30 * DAY],
  ["30 days back", -30 * DAY],
])("%s: messages, leases, sessions and turns continue in order and once each; then the clock jumps back", async (what, jump) => {
  const browser = await hive.browser();
  const ids = [await sendToAda(`${what} 1`), await sendToAda(`${what} 2`)];
  const held = await next();
  expect(held).toMatchObject({ id: ids[0], redelivered: false });

  clock.set(jump);
  ids.push(await sendToAda(`${what} 3`));
  // The daemon's clock did jump.
  const at = Date.parse((await message(ids[2] ?? 0))?.created_at ?? "");
  expect(Math.abs(at - Date.now() - jump)).toBeLessThan(SLACK_MS);

  // Sessions stay, except one that was unused for 30 days: the daemon believes a clock that jumps forward.
  expect((await browser("/api/state")).status).toBe(jump >= 30 * DAY ? 401 : 200);

  // The lease survives the jump, and a restart under the other clock.
  expect(await message(held.id)).toMatchObject({ state: "leased", redelivered: false });
  ada.client.close();
  await hive.crash();
  await hive.start();
  ada = await standIn(hive, "ada", INSTANCE, [{ id: held.id, token: held.token }]);
  expect(ada.assignment.leases).toEqual([{ id: held.id, token: held.token }]);
  await finish();
  expect(await message(held.id)).toMatchObject({ state: "done", redelivered: false });

  // A turn of the real harness and the real CLI.
  const { sent } = await hive.call("send", { to: "hm1nd", body: `during ${what}` });
  await hive.untilMessage((one) => one.in_reply_to === sent[0]?.id || one.body === `heard during ${what}`);
  await hive.untilMessage((one) => one.id === sent[0]?.id && one.state === "done");
  const { turns } = await hive.call("turns", { agent: "hm1nd", limit: 1 });
  expect(turns[0]?.result).toBe("ok");
  expect(turns[0]?.duration_ms).toBeGreaterThan(0);

  // A launch link that is made now works now.
  const late = await hive.browser();
  expect((await late("/api/state")).status).toBe(200);

  clock.set(0);
  expect((await late("/api/state")).status).toBe(jump <= -30 * DAY ? 401 : 200);
  ids.push(await sendToAda(`${what} 4`));
  const served = [held.id];
  while (served.length < ids.length) {
    const one = await next();
    expect(one.redelivered).toBe(false);
    served.push(one.id);
    await finish();
  }
  expect(served).toEqual(ids);
  expect([...ids].sort((a, b) => a - b)).toEqual(ids);
  // There were no duplicates: everything that was sent has been served.
  expect((await hive.call("messages", { agent: "ada", waiting: true })).messages).toEqual([]);
});

test("questions end once, when the clock says so or when their time has passed", async () => {
  const ask = async (question: string, ttl: number): Promise<number> =>
    (await ada.client.call("ask_operator", { question, ttl_seconds: ttl })).question_id;
  const long = await ask("for an hour", 3600);
  clock.set(2 * HOUR);
  // The next question checks the ends of all.
  const short = await ask("for ten seconds", 10);
  await hive.watch((event) => event.kind === "question" && event.question.id === long && event.question.state === "expired");
  clock.set(-30 * DAY);
  await hive.watch((event) => event.kind === "question" && event.question.id === short && event.question.state === "expired");
  const told = [await next(), await next()].map(({ body }) => JSON.parse(body) as { question_id: number; state: string });
  expect(told).toMatchObject([
    { question_id: long, state: "expired" },
    { question_id: short, state: "expired" },
  ]);
  await finish();
  clock.set(0);
  expect((await hive.call("messages", { agent: "ada", waiting: true })).messages).toEqual([]);
});
