import { expect, test } from "vitest";
import { currentStep, foldedSteps, keyOf, leadOf, workOf } from "./guide-step.ts";

const done = { isDone: true };
const open = (card?: string) => ({ isDone: false, card });

test("the guide opens what the page shows first, even if its own order differs", () => {
  const steps = [done, open("request-7"), open("question-3"), open("request-5"), open()];
  expect(currentStep(steps, ["request-5", "request-7", "question-3"])).toBe(3);
  expect(currentStep(steps, ["message-1", "request-7", "question-3"])).toBe(1);
  expect(currentStep([done, done, open("question-3"), open("request-5")], ["request-5", "question-3"])).toBe(3);
});

test("without waiting cards the guide is at the first step that is not done", () => {
  expect(currentStep([done, open(), open("question-3")], [])).toBe(1);
  expect(currentStep([done, open(), open("question-3")], ["question-3"])).toBe(2);
  expect(currentStep([done, done], ["question-3"])).toBe(-1);
});

test("the guide opens no card while the page shows another before it", () => {
  const steps = [done, done, open("question-3"), done];
  expect(leadOf(steps, ["request-5", "question-3"])).toBeUndefined();
  expect(leadOf(steps, ["question-3", "message-1"])).toBe("question-3");
  expect(leadOf([done, open()], [])).toBeUndefined();
});

test("of several cards of a step the guide opens the first of the page", () => {
  const all = [{ id: 4 }, { id: 9 }, { id: 2 }];
  expect(keyOf("request", all, ({ id }) => id !== 4, ["request-2", "request-9", "request-4"])).toBe("request-2");
  expect(keyOf("request", all, ({ id }) => id === 9, [])).toBe("request-9");
  expect(keyOf("request", all, () => false, ["request-2"])).toBeUndefined();
});

test("the folded guide shows the current step and no step before it that is done", () => {
  const steps = [done, done, open("question-3"), open("request-5"), open()];
  expect(foldedSteps(steps, ["request-5", "question-3"])).toEqual([steps[2], steps[3]]);
  expect(foldedSteps(steps, ["question-3", "request-5"])).toEqual([steps[2]]);
  expect(foldedSteps([done, open(), open()], [])).toHaveLength(1);
  expect(foldedSteps([done, done], [])).toEqual([]);
});

test("only the agents of the tour and their changes count for its work, not those of the operator's own agents", () => {
  const changes = (agent: string, state: "proposed" | "merged") => [{ agent, state }];
  const none = new Set<string>();
  expect(workOf(new Set(["coder", "maker"]), changes("coder", "merged"))).toEqual({
    hasBegun: false,
    changes: [],
    isMerged: false,
  });
  expect(workOf(new Set(["maker", "critic"]), [])).toMatchObject({ hasBegun: true, isMerged: false });
  expect(workOf(none, changes("maker", "proposed"))).toMatchObject({ hasBegun: true, isMerged: false });
  expect(workOf(none, changes("maker", "merged"))).toMatchObject({ hasBegun: true, isMerged: true });
});
