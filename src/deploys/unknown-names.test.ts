import { expect, test } from "vitest";
import { AgentConfig } from "../wire/config.ts";
import { unknownNames } from "./unknown-names.ts";

const known = { models: ["house-model"], agents: ["scribe", "ada"] };
const marks = (config: object, before: object = {}): string[] =>
  unknownNames(AgentConfig.parse(before), AgentConfig.parse(config), known).map((mark) => mark.text);

test.each(["opus", "sonnet[1m]", "claude-sonnet-4-5-20250929", "house-model-2"])("the model %s is known", (model) => {
  expect(marks({ model })).toEqual([]);
});

test("a model on no list is marked, with the one that was probably meant", () => {
  expect(marks({ model: "gpt-9" })).toEqual(['"gpt-9" is not on the list of models that the hive knows']);
  expect(marks({ model: "opuss" })[0]).toContain("did you mean opus?");
  // It was marked when it was added.
  expect(marks({ model: "gpt-9" }, { model: "gpt-9" })).toEqual([]);
});

test("a recipient that is not the name of an agent is marked", () => {
  expect(marks({ allowedRecipients: ["scribe", "manager", "scribee", "zzz"] })).toEqual([
    'allowedRecipients: there is no agent "scribee"; did you mean scribe?',
    'allowedRecipients: there is no agent "zzz"',
  ]);
});

test("a tool of a server that the config does not have is marked", () => {
  const extraMcpServers = { notes: { command: "/config/notes" } };
  expect(
    marks({ extraMcpServers, tools: { allow: ["mcp__notes__add", "mcp__hive", "Bash"], deny: ["mcp__nots__add"] } }),
  ).toEqual([
    'tools.deny: "mcp__nots__add" denies nothing: it names the server "nots", which extraMcpServers does not have; did you mean notes?',
  ]);
});

test.each<[string, string]>([
  ["bash", "there is no such tool; did you mean Bash?"],
  ["BASH(*)", "there is no such tool; did you mean Bash?"],
  ["WebFecth(domain:example.org)", "there is no such tool; did you mean WebFetch?"],
  ["web*", "there is no such tool"],
  ["m", "there is no such tool"],
  ["Bash(git\u00a0push)", "it has the unseen character U+00A0"],
  ["Bash(git\u200b push)", "it has the unseen character U+200B"],
  ["mcp__Notes__add", 'it names the server "Notes", which extraMcpServers does not have; did you mean notes?'],
  ["mcp__hive__sned", 'the hive has no tool "sned"; did you mean send?'],
  ["mcp__hive__Send", 'the hive has no tool "Send"; did you mean send?'],
  ["mcp__hive__proposals_*", 'the hive has no tool "proposals_*"'],
])("a deny rule %j that matches no tool is a danger, and an allow rule a warning", (rule, why) => {
  const config = (tools: object) => AgentConfig.parse({ extraMcpServers: { notes: { command: "notes" } }, tools });
  const found = (tools: object) => unknownNames(AgentConfig.parse({}), config(tools), known);
  expect(found({ deny: [rule] })).toEqual([
    { level: "danger", kind: "tools", text: expect.stringMatching(/ denies nothing: /) as string },
  ]);
  expect(found({ deny: [rule] })[0]?.text).toContain(why);
  expect(found({ allow: [rule] })).toMatchObject([
    { level: "warn", text: expect.stringContaining(" allows nothing: ") as string },
  ]);
});

test.each([
  "Bash",
  "Bash(git push *)",
  "Web*",
  "mcp__*",
  "m*",
  "mcp__notes__*",
  "mcp__n*__add",
  "KillBash",
  "B*h",
  "Task",
  "mcp__hive",
  "mcp__hive__*_change",
  "mcp__hive__update",
])("the rule %s may match", (rule) => {
  expect(marks({ extraMcpServers: { notes: { command: "notes" } }, tools: { deny: [rule] } })).toEqual([]);
});
