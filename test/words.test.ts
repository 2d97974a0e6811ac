import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeTool, hiveTools } from "../src/harness/mcp/tools.ts";
import { wakePrompt } from "../src/harness/prompt.ts";
import { systemPrompt } from "../src/agents/prompt.ts";
import { templateTree } from "../src/agents/template.ts";
import { AgentConfig } from "../src/wire/config.ts";
import { NOTICES } from "../src/wire/notices.ts";
import { operations } from "../src/wire/operations.ts";
import { systemWords } from "../src/wire/system-event.ts";
import { TURN_ENDS } from "../src/wire/turn-ends.ts";

/** Words that docs/glossary.md has replaced, as they would appear in text for people. */
const REPLACED = [/\bapply_commit\b/, /\boffline\b/, /\bkilled\b/, /\bcontainers?\b/i];
/** Words that sound translated: plain English names the agent, the operator or the caller. */
const TRANSLATED = [
  /\b(?:who|what|which)ever\b/i,
  /\b(?:some|no|every)body\b/i,
  /\bwhat is there\b/i,
  /\bcomes? to nothing\b/i,
  /\bcomes? into being\b/i,
  /\bas ever\b/i,
  /\bby itself\b/i,
  /\bbegun anew\b/i,
  /\bmend(?:ed|s)?\b/i,
  /\b(?:is|are) told\b/i,
  /\btakes? back\b/i,
  /\bgo live\b/i,
];
/** Exceptions: wire names in code, and text that is not about an agent or a request. */
const ALLOWED: Record<string, readonly RegExp[]> = {
  // The daemon's own process is no agent.
  "src/cli/exit.ts": [/killed/],
  // The value of a setting.
  "src/cli/commands/migrate.ts": [/nixos-container/],
};
/** A whole string that is a name of the wire or of a style, not words. */
const NAME = /^[a-z_:.\-[\]="/ ]*$|^[^ ]*$/;

/** The texts that a source file shows: texts of elements, and string literals of more than one word. */
function shown(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, "").replace(/^import .*$/gm, "");
  const literals = [...code.matchAll(/"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g)].map(([, plain, template]) =>
    (plain ?? template ?? "").replace(/\$\{[^}]*\}/g, "…"),
  );
  const elements = [...code.matchAll(/>([^<>{}=;()]+)</g)].map(([, words]) => words ?? "");
  return [...literals.filter((words) => !NAME.test(words) || / /.test(words)), ...elements];
}

test("pages and terminal use the words of the glossary", () => {
  const found: string[] = [];
  const files = ["ui", "src/cli"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  for (const file of files) {
    if (!/\.tsx?$/.test(file) || file.endsWith(".test.ts")) continue;
    for (const words of shown(readFileSync(file, "utf8")))
      for (const word of REPLACED)
        if (word.test(words) && !(ALLOWED[file] ?? []).some((one) => one.test(words))) found.push(`${file}: ${words}`);
  }
  expect(found).toEqual([]);
});

/** Every text of the hive itself that a model reads, with its place. */
function toldToModels(): [where: string, text: string][] {
  const message = { id: 1, from: "operator", to: "ada", body: "hi", redelivered: true } as never;
  const roles = ["agent", "manager"] as const;
  return [
    ...hiveTools.map((tool): [string, string] => [`the tool ${tool.name}`, JSON.stringify(describeTool(tool))]),
    ...roles.map((role): [string, string] => [
      `the system prompt of the ${role}`,
      systemPrompt(
        {
          name: "ada",
          role,
          config: AgentConfig.parse({ description: "reads", repos: [{ name: "web", base: "next" }] }),
          instructions: "",
        },
        "she/her",
      ),
    ]),
    ["the wake prompt", wakePrompt(message, 3, { newSession: true })],
    ["the manager's instructions", templateTree({}, undefined, "manager")["INSTRUCTIONS.md"] ?? ""],
    ...Object.entries(NOTICES).flatMap(([event, { bound }]): [string, string][] => [
      [`the bound of ${event}`, bound],
      [`the notice ${event}`, systemWords("system", JSON.stringify({ event, agent: "ada", reason: "r" })) ?? ""],
    ]),
    ...Object.entries(TURN_ENDS).map(([end, rule]): [string, string] => [
      `the turn end ${end}`,
      "remedy" in rule ? rule.remedy : "",
    ]),
    ...Object.entries(operations).map(([name, { summary }]): [string, string] => [`the operation ${name}`, summary]),
    ...["tools.ts", "change-tools.ts"].map((file): [string, string] => [
      `the answers of ${file}`,
      shown(readFileSync(join(import.meta.dirname, "../src/harness/mcp", file), "utf8")).join("\n"),
    ]),
  ];
}

test.each(toldToModels())("%s uses the words of the glossary and plain English", (_, text) => {
  for (const word of [...REPLACED, ...TRANSLATED]) expect(text).not.toMatch(word);
});
