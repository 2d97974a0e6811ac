import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { parseScenario } from "../src/gateway/anthropic/rehearsal/scenario.ts";
import * as limits from "../src/wire/config-limits.ts";
import { CHANGE_STATES, CHANGE_WORDS, changeCan } from "../src/wire/change-states.ts";
import { MAX_AGENT_REPOS } from "../src/wire/work.ts";
import { AgentConfig } from "../src/wire/config.ts";
import { MAX_CONFIG_BYTES, MAX_CONFIG_FILES, MAX_NOTE_CHARS } from "../src/wire/limits.ts";
import { NOTICES } from "../src/wire/notices.ts";
import { PAIRS } from "../src/wire/pairs.ts";

/** Statements of the documents that a program can check. */

const ROOT = join(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const documents = [
  ...readdirSync(ROOT).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];
/** Code blocks of one language. */
const blocks = (file: string, language: string): string[] =>
  Array.from(read(file).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm")), (match) => match[1] ?? "");

test("every link between documents, and to pictures, has a target", () => {
  const broken: string[] = [];
  for (const file of documents) {
    for (const [, target = ""] of read(file).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      if (!existsSync(join(ROOT, dirname(file), target))) broken.push(`${file} → ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

test("every setting of the daemon is documented, and no other", () => {
  const names = (text: string): Set<string> => new Set(text.match(/\bHIVE_[A-Z_]+\b/g));
  // Settings of the scripts.
  const settings = new Set([...names(read("src/daemon/config.ts")), "HIVE_SETUP", "HIVE_AS_ROOT"]);
  const documented = names(read("docs/operations.md"));
  expect([...settings].filter((name) => !documented.has(name))).toEqual([]);
  expect([...documented].filter((name) => !settings.has(name))).toEqual([]);
});

test("the documented agent.json is valid", () => {
  const [shown = ""] = blocks("docs/agents.md", "json");
  const config = AgentConfig.parse(JSON.parse(shown));
  expect(config.limits).toEqual(AgentConfig.parse({}).limits);
});

test("the documented limits of a config are those of the code", () => {
  const { MAX_SERVERS, MAX_SERVER_ARGS, MAX_ARG_CHARS, MAX_COMMAND_CHARS, MAX_VARIABLES, MAX_VARIABLE_CHARS } = limits;
  const { MAX_SERVERS_BYTES, MAX_ENV_BYTES, MAX_TOOL_RULES, MAX_EGRESS_HOSTS, MAX_RECIPIENTS, MAX_MOUNTS } = limits;
  const rows = [
    ["`description`", `${MAX_NOTE_CHARS} characters`],
    ["`allowedRecipients`", `${MAX_RECIPIENTS} names`],
    ["`egress`", `${MAX_EGRESS_HOSTS} hosts`],
    ["`tools.allow`, `tools.deny`", `${MAX_TOOL_RULES} rules each`],
    ["`extraMcpServers`", `${MAX_SERVERS} servers, ${MAX_SERVERS_BYTES} bytes of JSON together`],
    ["`extraMcpServers.*.command`", `${MAX_COMMAND_CHARS} characters`],
    ["`extraMcpServers.*.args`", `${MAX_SERVER_ARGS} arguments of ${MAX_ARG_CHARS} characters`],
    [
      "`env`, `extraMcpServers.*.env`",
      `${MAX_VARIABLES} variables of ${MAX_VARIABLE_CHARS} characters, ${MAX_ENV_BYTES} bytes of JSON together`,
    ],
    ["`secrets`", `${limits.MAX_AGENT_SECRETS} names`],
    ["`apis`", `${limits.MAX_APIS} doors of ${limits.MAX_API_RULES} rules each`],
    ...Object.entries(limits.CAGE_RANGES).map(([key, [least, most]]) => [`\`limits.${key}\``, `${least} to ${most}`]),
    ["`mounts`", `${MAX_MOUNTS} mounts`],
    ["`repos`", `${MAX_AGENT_REPOS} repositories`],
    ["`INSTRUCTIONS.md`", `${limits.MAX_INSTRUCTIONS_BYTES} bytes`],
    ["all files", `${MAX_CONFIG_FILES} files, ${MAX_CONFIG_BYTES} bytes together`],
  ];
  const [, section = ""] = /### Limits\n([\s\S]*?)\n### /.exec(read("docs/agents.md")) ?? [];
  const shown = section.trim().split("\n").slice(2);
  expect(shown).toEqual(rows.map(([field, limit]) => `| ${field} | ${limit} |`));
});

test("the documented scenarios can be played", () => {
  const shown = blocks("docs/scenarios.md", "json");
  expect(shown.length).toBeGreaterThanOrEqual(3);
  for (const text of shown) {
    const value = JSON.parse(text) as object;
    // A single rule is documented without the scenario around it.
    const whole = "rules" in value ? value : { name: "shown", rules: [value] };
    expect(() => parseScenario(JSON.stringify(whole), "docs/scenarios.md")).not.toThrow();
  }
});

test("the table of notices matches the code", () => {
  const rows = Array.from(read("docs/reliability.md").matchAll(/^\| `(\w+)` \| (state|outcome) \| (.+) \|$/gm), (row) =>
    row.slice(1),
  );
  expect(rows).toEqual(Object.entries(NOTICES).map(([kind, rule]) => [kind, rule.class, rule.bound]));
});

test("the table of pairs matches the code", () => {
  const rows = Array.from(read("docs/reliability.md").matchAll(/^\| `(\w+)` \| (`[^|]+`) \| (yes|no) \|$/gm), (row) =>
    row.slice(1),
  );
  expect(rows).toEqual(
    PAIRS.map(({ begin, ends, toManager }) => [begin, ends.map((end) => `\`${end}\``).join(", "), toManager ? "yes" : "no"]),
  );
});

test("the map stays short enough to be read first", () => {
  expect(read("AGENTS.md").split("\n").length).toBeLessThan(120);
});

test("the documented decisions on a change are those that its state allows", () => {
  const WORDS = {
    approve: "approve",
    return: "request changes",
    deny: "deny",
    retry: "try again",
  } as const;
  const rows = read("docs/dashboard.md").matchAll(/^\| ([a-z ,]+) \| (.+) \|$/gm);
  const documented = new Map(
    Array.from(rows, ([, states = "", offers = ""]) => [states.split(", "), offers] as const).flatMap(([states, offers]) =>
      states.map((state) => [state, offers] as const),
    ),
  );
  for (const state of CHANGE_STATES) {
    const offers = documented.get(CHANGE_WORDS[state]);
    const actions = (Object.keys(WORDS) as (keyof typeof WORDS)[]).filter((action) => changeCan({ state }, action));
    if (offers === undefined) expect(actions, state).toEqual([]);
    else
      expect(
        (["approve", "return", "deny", "retry"] as const).filter((one) => offers.includes(WORDS[one])),
        state,
      ).toEqual(actions);
  }
});
