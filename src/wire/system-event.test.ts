import { expect, test } from "vitest";
import { systemWords } from "./system-event.ts";

const told = (event: object): string | undefined => systemWords("system", JSON.stringify(event));
const SHA = "53500ea589b670f82987206b5ec886cc15f7ffe1";

test("an event of the daemon is shown as a sentence", () => {
  expect(
    [
      {
        event: "approval_resolved",
        id: 5,
        agent: "scout",
        kind: "apply_commit",
        status: "deployed",
        sha: SHA,
        tag: "deployed/5",
      },
      {
        event: "approval_resolved",
        id: 6,
        agent: "scout",
        kind: "spawn",
        status: "denied",
        sha: SHA,
        tag: "denied/6",
        note: "no",
      },
      { event: "spawned", agent: "scout", sha: SHA, request: 5 },
      { event: "spawned", agent: "scout", sha: SHA, request: 5, revived: true },
      { event: "rebuilt", agent: "scout", sha: SHA, request: 7 },
      // The order of the daemon's facts varies.
      { agent: "scout", event: "killed", reason: "by hm1nd" },
      { event: "destroyed", agent: "scout", purged: false },
      { event: "destroyed", agent: "scout", purged: true },
      { event: "operator_answered", question_id: 4, question: "Which?", state: "answered", answer: "both" },
      { event: "operator_answered", question_id: 4, question: "Which?", state: "expired" },
      { event: "container_crash", agent: "scout", reason: "exit 137", next: "starts again in 2 s" },
      { event: "needs_login", agent: "scout", reason: "401" },
      { event: "logged_in", agent: "scout" },
      { event: "needs_update", agent: "scout", reason: "hyperhive is newer" },
      { event: "started", agent: "scout", reason: "started by operator" },
      { event: "paused", agent: "scout" },
      { event: "resumed", agent: "scout" },
      { event: "drifted", agent: "scout", reason: "generation 1 runs" },
      { event: "in_step", agent: "scout" },
      { event: "rate_limited", agent: "scout", reason: "429" },
      { event: "rate_limit_over", agent: "scout" },
      { event: "upstream_down", agent: "scout", reason: "529" },
      { event: "upstream_back", agent: "scout" },
      { event: "parked", agent: "scout", reason: "no credit" },
      { event: "unparked", agent: "scout" },
      { event: "message_dead", message_id: 9, from: "scout", to: "hm1nd", reason: "five failures" },
    ].map(told),
  ).toEqual([
    "request 5, config change for scout: deployed · deployed/5",
    "request 6, spawn for scout: denied · denied/6 · no",
    "scout is spawned · 53500ea589b6 · request 5",
    "scout is revived · 53500ea589b6 · request 5",
    "scout runs 53500ea589b6 · request 7",
    "scout was stopped: by hm1nd",
    "scout is destroyed, its notes are kept",
    "scout is destroyed, nothing of it is kept",
    "question 4, “Which?” → both",
    "question 4, “Which?” expired",
    "the cage of scout ended: exit 137; starts again in 2 s",
    "scout needs a login: 401",
    "scout is logged in again",
    "scout needs an update: hyperhive is newer",
    "scout runs again: started by operator",
    "scout is paused: its messages queue",
    "scout goes on",
    "scout differs from what was deployed: generation 1 runs",
    "scout is again what was deployed",
    "scout is rate limited: 429",
    "scout goes on: no limit holds it any more",
    "scout gets no answer from the model: 529",
    "scout gets answers from the model again",
    "scout is parked: no credit",
    "scout is no longer parked",
    "message 9 of scout to hm1nd is dead: five failures",
  ]);
});

test("an unknown event is shown by its facts; a message that an agent forged is shown unchanged", () => {
  expect(told({ event: "moved", agent: "scout", to: { rack: 3 } })).toBe('moved · agent scout · to {"rack":3}');
  expect(told({ event: "constructor", agent: "scout" })).toBe("constructor · agent scout");
  expect(systemWords("scout", '{"event":"approval_resolved","id":5}')).toBeUndefined();
  expect(systemWords("system", '{"event":')).toBeUndefined();
  for (const other of ["plain words", "null", "7", '"event"', "[]", '{"event":7}'])
    expect(systemWords("system", other)).toBeUndefined();
});
