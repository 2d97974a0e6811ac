import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import { expect, test } from "vitest";
import type { TurnEvent } from "../../../wire/event.ts";
import { StreamReader } from "./events.ts";

const INTERRUPTED = "[Request interrupted by user for tool use]";
const REJECTED =
  "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the new_string was NOT written to the file). STOP what you are doing and wait for the user to tell you how to proceed.";

const result = (content: string): SDKMessage => ({
  type: "user",
  message: { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content, is_error: true }] },
  parent_tool_use_id: null,
  session_id: "s",
});

function read(reading: (reader: StreamReader) => void): string[] {
  const events: TurnEvent[] = [];
  const reader = new StreamReader({ emit: (event) => void events.push(event), delta() {}, session() {}, compacting() {} });
  reader.beginTurn();
  reading(reader);
  return events.map((event) => (event.type === "tool_result" ? event.text : event.type));
}

test("in a cancelled turn the hive's text replaces the CLI's message to the model, and a tool's own output stays", () => {
  const texts = read((reader) => {
    reader.cancelled = "cancelled by the operator";
    for (const text of [INTERRUPTED, REJECTED, `Exit code 137\none\ntwo\n${INTERRUPTED}`, "disk full"]) reader.read(result(text));
  });
  expect(texts).toEqual([
    "cancelled by the operator",
    "cancelled by the operator",
    "Exit code 137\none\ntwo\ncancelled by the operator",
    "disk full",
  ]);
});

test("the same message stays in a turn that is not cancelled, also after a cancelled one", () => {
  const texts = read((reader) => {
    reader.read(result(INTERRUPTED));
    reader.cancelled = "cancelled by the operator";
    reader.beginTurn();
    reader.read(result(REJECTED));
  });
  expect(texts).toEqual([INTERRUPTED, REJECTED]);
});

const call = (id: string): SDKMessage =>
  ({
    type: "assistant",
    message: { content: [{ type: "tool_use", id, name: "Bash", input: {} }], usage: { input_tokens: 1, output_tokens: 1 } },
    parent_tool_use_id: null,
  }) as never;

test("a call that has no result when the CLI is killed gets one; a call that has one, or of an earlier turn, gets none", () => {
  const texts = read((reader) => {
    reader.read(call("of an earlier turn"));
    reader.beginTurn();
    reader.read(call("t"));
    reader.read(result("fine"));
    reader.read(call("u"));
    reader.cancelled = "cancelled by the operator";
    reader.endCalls();
    reader.endCalls();
  });
  expect(texts).toEqual(["tool_use", "tool_use", "fine", "tool_use", "cancelled by the operator"]);
});
