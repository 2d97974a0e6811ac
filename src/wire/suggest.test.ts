import { expect, test } from "vitest";
import { closest } from "./suggest.ts";

const verbs = ["status", "start", "stop", "spawn", "send", "show", "approve", "cancel-request"];

test.each([
  ["statsu", "status"],
  ["stauts", "status"],
  ["aprove", "approve"],
  ["stat", "start"],
  ["cancel", "cancel-request"],
  ["SEND", "send"],
])("%s was meant to be %s", (word, meant) => {
  expect(closest(word, verbs)).toBe(meant);
});

test.each(["frobnicate", "x", ""])("%j has no close name", (word) => {
  expect(closest(word, verbs)).toBeUndefined();
});
