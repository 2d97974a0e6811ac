import { expect, test } from "vitest";
import type { TurnEvent } from "../wire/event.ts";
import type { TurnOutcome } from "../wire/harness.ts";
import type { Output } from "../wire/operations.ts";
import { NO_FIGURES, type PromptEnd } from "./claude/outcome.ts";
import { TurnLoop } from "./turn-loop.ts";

/** A loop over functions that note what they were asked. Work runs out into sleep. */
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

test("a turn: its events are stored before its message is acknowledged; sleep ends the loop", async () => {
  const { loop, finished, order, prompts } = loopOf([message(7)], []);
  loop.setNextTurn(12);
  await loop.run();
  expect(order).toEqual(["turn_start", "turn_end", "flushed", "finish"]);
  expect(finished).toEqual([[12, { kind: "ok" }]]);
  expect(prompts).toEqual(["Message from ada\n\nhello\n\n(2 more pending; call recv for them.)"]);
  expect(loop.current).toBeUndefined();
});

test("the wake prompt says that a message comes again, and nothing of what does not wait", async () => {
  const { loop, prompts } = loopOf([{ ...message(1, { redelivered: true }), unread: 0 }], []);
  await loop.run();
  expect(prompts).toEqual(["Message from ada (redelivered: an earlier attempt did not finish)\n\nhello"]);
});

test.each<[PromptEnd, TurnOutcome]>([
  [
    end("rate_limited", "slow down", { resumesAt: "2030-01-01T00:00:00.000Z" }),
    { kind: "parked", why: "rate_limited", reason: "slow down", resumes_at: "2030-01-01T00:00:00.000Z" },
  ],
  [end("needs_login", "who?"), { kind: "parked", why: "needs_login", reason: "who?" }],
  [end("upstream", "529"), { kind: "parked", why: "upstream", reason: "529" }],
  [end("failed", "no"), { kind: "failed", reason: "no" }],
  [end("crashed", "SIGKILL"), { kind: "failed", reason: "SIGKILL" }],
  // The CLI stopped without anybody having asked: nothing was the message's fault.
  [end("cancelled"), { kind: "cancelled", return: true }],
])("an end %j is the outcome %j", async (ended, outcome) => {
  const { loop, finished, events } = loopOf([message(1)], [ended]);
  await loop.run();
  expect(finished).toEqual([[1, outcome]]);
  expect(events.at(-1)).toMatchObject({ type: "turn_end", ok: false });
});

test("a prompt that is too long is compacted once and tried once more; the figures of both count", async () => {
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

test("what stays too long fails the message; so does what cannot be compacted", async () => {
  const twice = loopOf([message(1)], [end("prompt_too_long"), end("prompt_too_long", "still too long")]);
  await twice.loop.run();
  expect(twice.finished).toEqual([[1, { kind: "failed", reason: "still too long" }]]);
  const never = loopOf([message(1)], [end("prompt_too_long", "too long")], end("upstream", "529"));
  await never.loop.run();
  expect(never.prompts).toHaveLength(1);
  expect(never.finished).toEqual([[1, { kind: "failed", reason: "too long; compacting failed too: 529" }]]);
});

test("cancelling is for the turn that runs, and for no later one", async () => {
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
    [2, { kind: "failed", reason: "its own fault" }],
  ]);
  await loop.run();
  expect(finished.map(([, outcome]) => outcome.kind)).toEqual(["ok", "ok"]);
});

test("leaving ends the loop between turns, never in one; turn numbers never go back", async () => {
  const { loop, finished } = loopOf([message(1), message(2)], []);
  loop.setNextTurn(5);
  loop.setNextTurn(3);
  const run = loop.run();
  while (!loop.current) await Promise.resolve();
  loop.leaving = true;
  await run;
  expect(finished).toEqual([[5, { kind: "ok" }]]);
});
