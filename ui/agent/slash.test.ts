import { expect, test } from "vitest";
import { readTyped, suggestCommands } from "./slash.ts";

test.each([
  ["/model haiku", { kind: "command", name: "model", argument: "haiku" }],
  ["/pause", { kind: "command", name: "pause", argument: "" }],
  ["/modell haiku", { kind: "unknown", name: "modell" }],
  ["/state/notes.md is yours", { kind: "message", body: "/state/notes.md is yours" }],
  ["use /model", { kind: "message", body: "use /model" }],
])("%j is read as %j", (text, typed) => {
  expect(readTyped(text)).toEqual(typed);
});

test("a box suggests the commands that it has", () => {
  expect(suggestCommands("/c").map(({ text }) => text)).toEqual(["/clear", "/cancel", "/compact"]);
  expect(suggestCommands("/c", ["help", "clear"]).map(({ text }) => text)).toEqual(["/cancel", "/compact"]);
  expect(suggestCommands("/model hai").map(({ text }) => text)).toEqual(["/model haiku"]);
  expect(suggestCommands("hello")).toEqual([]);
});
