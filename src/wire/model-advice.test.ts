import { expect, test } from "vitest";
import { isMistypedModel, modelAdvice } from "./model-advice.ts";
import { LISTED_MODELS, OFFERED_MODELS } from "./models.ts";

test("every offered model is known", () => {
  for (const name of OFFERED_MODELS) expect([name, modelAdvice(name).isKnown]).toEqual([name, true]);
  for (const prefix of Object.keys(LISTED_MODELS)) expect(modelAdvice(`${prefix}-20990101`).isKnown).toBe(true);
});

test.each([
  ["opuss", "opus", true],
  ["sonet", "sonnet", true],
  ["haiku3[1m]", "haiku", false],
  ["gpt-9", undefined, false],
  // An unknown family, and an id one digit from a known one: newer than the hive.
  ["saga", undefined, false],
  ["claude-opuz-4-9", expect.any(String), false],
])("%s: meant %s, refused %s", (name, meant, isMistyped) => {
  const advice = modelAdvice(name);
  expect(advice.isKnown).toBe(false);
  expect(advice.meant).toEqual(meant);
  expect(isMistypedModel(name, advice)).toBe(isMistyped);
});
