import { expect, test } from "vitest";
import { closest, closestVerb } from "./suggest.ts";

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

const all = ["status", "start", "stop", "destroy", "cost", "message", "messages", "show", "approve", "remove", "kill", "cancel"];

test.each([
  ["statsu", "status"],
  ["aprove", "approve"],
  ["mesages", "messages"],
  ["canc", "cancel"],
  ["destory", "destroy"],
  ["kil", "kill"],
  ["sotp", "stop"],
])("the verb %s was meant to be %s", (word, meant) => {
  expect(closestVerb(word, all)).toBe(meant);
});

test.each(["history", "chat", "merge", "dest", "rem", "stay", "xyzzy"])("%s is no verb with other letters", (word) => {
  expect(closestVerb(word, all)).toBeUndefined();
});
