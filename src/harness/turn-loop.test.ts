import { expect, test } from "vitest";
import type { TurnEvent } from "../wire/event.ts";
import { turnEndOf, TurnOutcome } from "../wire/harness.ts";
import type { Output } from "../wire/operations.ts";
import { TURN_ENDS, type TurnEnd, type TurnResult } from "../wire/turn-ends.ts";
import { NO_FIGURES, type PromptEnd } from "./cli/port.ts";
import { TurnLoop } from "./turn-loop.ts";

/** A loop over functions that record their calls. When the work runs out, it sleeps. */
function loopOf(work: Output<"next">[], ends: PromptEnd[], compacted: PromptEnd = end("ok")) {
  const events: TurnEvent[] = [];
  const finished: [number, TurnOutcome][] = [];
  const prompts: string[] = [];
  const order: string[] = [];
  const loop: TurnLoop = new TurnLoop({
    next: async () => work.shift() ?? { unread: 0, sleep: true },
    finish: async (turn, outcome) => {
      order.push("finish");
      finished.push([turn, outcome]);
    },
    emit: (event) => {
      order.push(event.type);
      events.push(event);
    },
    flushed: async () => void order.push("flushed"),
    prompt: async (text) => {
      prompts.push(text);
      return ends.shift() ?? end("ok");
    },
    compact: async () => {
      order.push("compact");
      return compacted;
    },
    newSession: async () => void order.push("new session"),
    now: () => 0,
  });
  return { loop, events, finished, prompts, order };
}
function end(kind: PromptEnd["kind"], reason: string = kind, more: Partial<PromptEnd> = {}): PromptEnd {
  return { kind, reason, figures: NO_FIGURES, ...more };
}
function message(id: number, more: object = {}): Output<"next"> {
  const created_at = new Date(0).toISOString();
  return { message: { id, from: "ada", body: "hello", redelivered: false, created_at, ...more }, token: "t", unread: 2 };
}

test("a turn begins with the news of the agent's repositories, before what any sender writes", async () => {
  const { loop, prompts } = loopOf([{ ...message(7), news: ["web: main moved to abc", "web: your change 3 is merged"] }], []);
  await loop.run();
  const news = "News of your repositories:\n- web: main moved to abc\n- web: your change 3 is merged";
  expect(prompts).toEqual([`${news}\n\nMessage from ada\n\nhello\n\n(2 more pending; call recv for them.)`]);
});

test("a turn stores its events before its message is acknowledged, and sleep ends the loop", async () => {
  const { loop, finished, order, prompts } = loopOf([message(7)], []);
  loop.setNextTurn(12);
  await loop.run();
  expect(order).toEqual(["turn_start", "turn_end", "flushed", "finish"]);
  expect(finished).toEqual([[12, { kind: "ok" }]]);
  expect(prompts).toEqual(["Message from ada\n\nhello\n\n(2 more pending; call recv for them.)"]);
  expect(loop.current).toBeUndefined();
});

test("the wake prompt says that a message is redelivered, and mentions waiting messages only if there are any", async () => {
  const { loop, prompts } = loopOf([{ ...message(1, { redelivered: true }), unread: 0 }], []);
  await loop.run();
  expect(prompts).toEqual(["Message from ada (redelivered: an earlier attempt did not finish)\n\nhello"]);
});

test.each<[PromptEnd, TurnOutcome, TurnResult]>([
  [
    end("rate_limited", "slow down", { resumesAt: "2030-01-01T00:00:00.000Z" }),
    { kind: "parked", why: "rate_limited", reason: "slow down", resumes_at: "2030-01-01T00:00:00.000Z" },
    "parked",
  ],
  [end("needs_login", "who?"), { kind: "parked", why: "needs_login", reason: "who?" }, "parked"],
  [end("upstream", "529"), { kind: "parked", why: "upstream", reason: "529" }, "parked"],
  [end("failed", "no"), { kind: "failed", why: "failed", reason: "no" }, "failed"],
  [end("crashed", "SIGKILL"), { kind: "failed", why: "crashed", reason: "SIGKILL" }, "failed"],
  [end("interrupted"), { kind: "cancelled", return: true, by: "hive" }, "interrupted"],
])("an end %j is the outcome %j and counts as %s", async (ended, outcome, result) => {
  const { loop, finished, events } = loopOf([message(1)], [ended]);
  await loop.run();
  expect(finished).toEqual([[1, outcome]]);
  expect(events.at(-1)).toMatchObject({ type: "turn_end", ok: false, result });
});

test("a prompt that is too long is compacted once and retried once, and the figures of both count", async () => {
  const tokens = { input: 1, output: 2, cache_read: 3, cache_write: 4 };
  const { loop, prompts, order, events } = loopOf(
    [message(1)],
    [end("prompt_too_long", "too long", { figures: { tokens } }), end("ok", "ok", { figures: { tokens } })],
  );
  await loop.run();
  expect(prompts).toHaveLength(2);
  expect(order).toEqual(["turn_start", "note", "compact", "turn_end", "flushed", "finish"]);
  expect(events.at(-1)).toMatchObject({ ok: true, tokens: { input: 2, output: 4, cache_read: 6, cache_write: 8 } });
});

test("a prompt that is too long even after compaction fails the message", async () => {
  const { loop, finished } = loopOf([message(1)], [end("prompt_too_long"), end("prompt_too_long", "still too long")]);
  await loop.run();
  expect(finished).toEqual([[1, { kind: "failed", why: "prompt_too_long", reason: "still too long" }]]);
});

test("an outage during the compaction parks the agent and is not the message's fault", async () => {
  const { loop, finished, prompts } = loopOf([message(1)], [end("prompt_too_long", "too long")], end("upstream", "529"));
  await loop.run();
  expect(prompts).toHaveLength(1);
  expect(finished).toEqual([[1, { kind: "parked", why: "upstream", reason: "too long; compacting failed too: 529" }]]);
});

const NEW_SESSION = " (new session: the earlier one could not be continued. You do not remember it; your files are unchanged)";

test("a lost session is replaced once, and both page and agent are notified", async () => {
  const { loop, finished, prompts, order, events } = loopOf([message(1)], [end("session_lost", "No conversation found")]);
  await loop.run();
  expect(order).toEqual(["turn_start", "note", "new session", "turn_end", "flushed", "finish"]);
  expect(prompts[1]).toBe(`Message from ada${NEW_SESSION}\n\nhello\n\n(2 more pending; call recv for them.)`);
  expect(events[1]).toMatchObject({ type: "note", text: expect.stringContaining("No conversation found") });
  expect(finished).toEqual([[1, { kind: "ok" }]]);
});

test("a history that the API refuses is replaced as well, and the message is marked as redelivered", async () => {
  const { loop, finished, prompts, order } = loopOf([message(1)], [end("session_refused", "API Error: 400")]);
  await loop.run();
  expect(order).toContain("new session");
  expect(prompts[1]).toContain(`ada (redelivered: an earlier attempt did not finish)${NEW_SESSION}`);
  expect(finished).toEqual([[1, { kind: "ok" }]]);
});

test("a session that cannot be compacted is replaced", async () => {
  const { loop, finished, order } = loopOf([message(1)], [end("prompt_too_long")], end("prompt_too_long"));
  await loop.run();
  expect(order).toEqual(["turn_start", "note", "compact", "note", "new session", "turn_end", "flushed", "finish"]);
  expect(finished).toEqual([[1, { kind: "ok" }]]);
});

test("a session that is lost twice in a turn parks the agent, and the attempt is not counted", async () => {
  const { loop, finished, prompts } = loopOf([message(1)], [end("session_lost"), end("session_lost", "gone again")]);
  await loop.run();
  expect(prompts).toHaveLength(2);
  expect(finished).toEqual([[1, { kind: "parked", why: "session_lost", reason: "gone again" }]]);
});

test("every end of the table has an outcome that the daemon maps to the same row", async () => {
  for (const kind of Object.keys(TURN_ENDS) as TurnEnd[]) {
    const { loop, finished } = loopOf([message(1)], [end(kind), end(kind), end(kind)], end(kind));
    await loop.run();
    const outcome = TurnOutcome.parse(finished[0]?.[1]);
    expect([kind, turnEndOf(outcome)]).toEqual([kind, kind]);
  }
});

test("cancelling applies to the running turn, not to a later one", async () => {
  const { loop, finished } = loopOf([message(1), message(2)], []);
  expect(loop.cancel({ return: false })).toBe(false);
  const ends = [end("cancelled"), end("failed", "its own fault")];
  const cancelling = loopOf([message(1), message(2)], ends);
  const run = cancelling.loop.run();
  // The loop takes its first message in the next step.
  while (!cancelling.loop.current) await Promise.resolve();
  expect(cancelling.loop.cancel({ return: false })).toBe(true);
  await run;
  expect(cancelling.finished).toEqual([
    [1, { kind: "cancelled", return: false }],
    [2, { kind: "failed", why: "failed", reason: "its own fault" }],
  ]);
  await loop.run();
  expect(finished.map(([, outcome]) => outcome.kind)).toEqual(["ok", "ok"]);
});

test.each<[string, (loop: TurnLoop) => void, TurnOutcome, object]>([
  [
    "the operator's cancel",
    (loop) => loop.cancel({ return: false }),
    { kind: "cancelled", return: false },
    { result: "cancelled", reason: "cancelled by the operator, the message is dropped" },
  ],
  [
    "the operator's cancel with return",
    (loop) => loop.cancel({ return: true }),
    { kind: "cancelled", return: true },
    { result: "cancelled", reason: "cancelled by the operator, the message goes back" },
  ],
  [
    "a stop",
    (loop) => loop.interrupt(),
    { kind: "cancelled", return: true, by: "hive" },
    { result: "interrupted", reason: "interrupted by a stop, a restart or a deploy, the message goes back" },
  ],
])("a CLI that dies of %s is no failure of the message", async (_, stop, outcome, ended) => {
  const { loop, finished, events } = loopOf([message(1)], [end("crashed", "SIGKILL")]);
  const run = loop.run();
  while (!loop.current) await Promise.resolve();
  stop(loop);
  loop.interrupt();
  await run;
  expect(finished).toEqual([[1, outcome]]);
  expect(events.at(-1)).toMatchObject({ type: "turn_end", ok: false, ...ended });
});

test("the next turn gets the daemon's number, and a running turn keeps its own, which the next one follows", async () => {
  const { loop, finished } = loopOf([message(1), message(2)], []);
  loop.setNextTurn(5);
  loop.setNextTurn(3);
  const run = loop.run();
  while (!loop.current) await Promise.resolve();
  // The daemon does not know of the running turn yet.
  loop.setNextTurn(3);
  await run;
  expect(finished).toEqual([
    [3, { kind: "ok" }],
    [4, { kind: "ok" }],
  ]);
});

test("leaving ends the loop between turns, never during one", async () => {
  const { loop, finished } = loopOf([message(1), message(2)], []);
  const run = loop.run();
  while (!loop.current) await Promise.resolve();
  loop.leaving = true;
  await run;
  expect(finished).toEqual([[1, { kind: "ok" }]]);
});
