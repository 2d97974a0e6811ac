import { expect, test } from "vitest";
import { anAgent } from "../../test/lib/fixtures.ts";
import { resumesAt, stateWordOf } from "./agent-state.ts";

const resumes_at = "2026-11-29T12:00:00.000Z";

test.each([
  ["a failure that may pass", { state: "idle", resumes_at }, "tries again", resumes_at],
  ["a rate limit", { state: "rate_limited", resumes_at }, "rate limited", resumes_at],
  ["a stop meanwhile", { state: "offline", running: false, resumes_at }, "stopped", undefined],
  ["a pause meanwhile", { state: "paused", resumes_at }, "paused", undefined],
  ["a destroy meanwhile", { destroyed: true, resumes_at }, "destroyed", undefined],
] as const)("after %s an agent has its state word, and a time only while it waits until then", (_, view, word, until) => {
  const agent = anAgent("scout", view);
  expect(stateWordOf(agent)).toBe(word);
  expect(resumesAt(agent)).toBe(until);
});
