import { expect, test } from "vitest";
import { signalOf } from "./signals.ts";

test("the headers of a subscription tell how much of each window is used, and when it begins anew", () => {
  const headers = {
    "anthropic-ratelimit-unified-status": "allowed",
    "anthropic-ratelimit-unified-7d-utilization": "0.08",
    "anthropic-ratelimit-unified-5h-utilization": "0.42",
    "anthropic-ratelimit-unified-5h-reset": "1900000000",
    "anthropic-ratelimit-unified-7d-reset": "soon",
  };
  expect(signalOf(200, headers)).toEqual({
    kind: "ok",
    plan: [
      { window: "5h", used: 0.42, resetsAt: 1_900_000_000_000 },
      { window: "7d", used: 0.08 },
    ],
  });
});

test("an answer without them tells nothing, and values that make no sense are left out", () => {
  expect(signalOf(200, {})).toEqual({ kind: "ok" });
  const odd = Object.fromEntries(
    ["", "x", "-1", "NaN", "Infinity"].map((value, n) => [`anthropic-ratelimit-unified-w${n}-utilization`, value]),
  );
  expect(signalOf(200, odd)).toEqual({ kind: "ok" });
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`anthropic-ratelimit-unified-w${n}-utilization`, "1"]));
  expect(signalOf(200, many).plan).toHaveLength(6);
  const far = { "anthropic-ratelimit-unified-5h-utilization": "1", "anthropic-ratelimit-unified-5h-reset": "1e300" };
  expect(signalOf(200, far).plan).toEqual([{ window: "5h", used: 1 }]);
});
