import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RequestState } from "./approval.ts";
import {
  DEPLOY_PATH,
  INITIAL,
  isInFlight,
  isTerminal,
  requestCan,
  ruleFor,
  TABLE,
  TERMINAL_STATES,
  tagsOf,
  terminalTag,
  type RequestEvent,
} from "./request-states.ts";

const EVENTS: RequestEvent[] = ["approve", "deny", "cancel", "build", "built", "activate", "publish", "fail"];

test("the only path to a deploy is the one in the contract", () => {
  const way: RequestEvent[] = ["approve", "build", "built", "activate", "publish"];
  const states = way.reduce<RequestState[]>(
    (seen, event) => [...seen, ruleFor(seen.at(-1) ?? "pending", event)?.to ?? "failed"],
    [INITIAL.to],
  );
  expect(states).toEqual(["pending", "approved", "building", "waiting", "activating", "deployed"]);
  const toDeployed = RequestState.options.flatMap((state) =>
    Object.values(TABLE[state]).filter((rule) => rule.to === "deployed"),
  );
  expect(toDeployed).toHaveLength(1);
});

test("after any events, a request ends in one terminal state and stays there", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 30 }), (events) => {
      let state: RequestState = INITIAL.to;
      let ends = 0;
      for (const event of events) {
        const next: RequestState | undefined = ruleFor(state, event)?.to;
        if (isTerminal(state)) expect(next).toBeUndefined();
        if (next === undefined) continue;
        if (isTerminal(next)) ends++;
        state = next;
      }
      expect(ends).toBe(isTerminal(state) ? 1 : 0);
      expect(isTerminal(state) || isInFlight(state) || state === "pending").toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("the terminal states are those without events", () => {
  expect(RequestState.options.filter(isTerminal)).toEqual([...TERMINAL_STATES]);
});

test("a request passes every in-flight state on its way to a deploy", () => {
  expect([...DEPLOY_PATH]).toEqual([...RequestState.options.filter(isInFlight), "deployed"]);
});

test.each([
  ["pending", ["approve", "deny", "cancel"]],
  ["approved", []],
  ["building", ["cancel"]],
  ["waiting", ["force"]],
  ["activating", []],
  ["deployed", []],
  ["denied", []],
] as const)("a %s request can take %j", (state, wanted) => {
  expect((["approve", "deny", "cancel", "force"] as const).filter((action) => requestCan({ state }, action))).toEqual(wanted);
});

describe("tags", () => {
  test("each terminal state but cancelled has its own tag", () => {
    const ends = RequestState.options.filter(isTerminal).map((state) => [state, terminalTag(state)]);
    expect(ends).toEqual([
      ["deployed", "deployed"],
      ["failed", "failed"],
      ["denied", "denied"],
      ["cancelled", undefined],
    ]);
  });

  test("a request has the tags of the states that it passed", () => {
    expect(tagsOf("pending", false, false)).toEqual(["proposal"]);
    expect(tagsOf("deployed", true, true)).toEqual(["proposal", "approved", "building", "deployed"]);
    expect(tagsOf("failed", false, false)).toEqual(["proposal", "failed"]);
    expect(tagsOf("cancelled", false, false)).toEqual(["proposal"]);
  });
});
