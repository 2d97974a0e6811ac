import { describe, expect, test } from "vitest";
import { aMessage, anApproval, aQuestion, ago } from "../../test/lib/fixtures.ts";
import { callKey, inOrder, withoutMoving, type Call } from "./calls.ts";

const question = (id: number, seconds: number): Call => ({
  kind: "question",
  question: aQuestion("?", { id, asked_at: ago(seconds) }),
});
const request = (id: number, kind: "spawn" | "apply_commit", seconds: number): Call => ({
  kind: "request",
  approval: anApproval({ id, kind, requested_at: ago(seconds) }),
});
const message = (id: number, state: "held" | "dead", seconds: number): Call => ({
  kind: "message",
  message: aMessage("a", "b", "", { id, state, updated_at: ago(seconds) }),
});
const keys = (calls: readonly Call[]): string[] => calls.map(callKey);

describe("the order of calls", () => {
  test("a call that blocks an agent comes first, however recent it is", () => {
    const calls = [question(1, 900), question(2, 800), question(3, 700), request(4, "spawn", 10)];
    expect(keys(inOrder(calls))).toEqual(["request-4", "question-1", "question-2", "question-3"]);
  });
  test("calls are ordered by rank: held chains, spawns, config changes, questions, dead messages; then oldest first", () => {
    const calls = [
      message(1, "dead", 9000),
      question(2, 8000),
      request(3, "apply_commit", 7000),
      request(4, "spawn", 6000),
      message(5, "held", 10),
      request(6, "spawn", 6100),
    ];
    expect(keys(inOrder(calls))).toEqual(["message-5", "request-6", "request-4", "request-3", "question-2", "message-1"]);
  });
  test("cards keep their order and new ones are appended while the page asks for it", () => {
    const next = inOrder([question(1, 900), request(4, "spawn", 10), message(5, "held", 5), question(2, 800)]);
    expect(keys(withoutMoving(["question-2", "question-1", "question-7"], next))).toEqual([
      "question-2",
      "question-1",
      "message-5",
      "request-4",
    ]);
  });
});
