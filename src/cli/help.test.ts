import { describe, expect, test } from "vitest";
import type { Command } from "commander";
import { cliInside } from "../../test/lib/cli-inside.ts";
import { MORE } from "./examples.ts";
import { width } from "./print.ts";
import { buildProgram } from "./program.ts";
import { allCommands, findVerb, isGroup, OTHER_WORDS, verbName } from "./verbs.ts";

/** The help of a verb, or of the program, for a terminal of this width. */
function helpOf(columns: number, verb?: string): string {
  const program = buildProgram();
  const command = verb === undefined ? program : find(program, verb);
  let text = "";
  command.configureOutput({ writeOut: (words) => (text += words), getOutHelpWidth: () => columns });
  command.outputHelp();
  return text;
}
function find(program: Command, verb: string): Command {
  const found = findVerb(program, verb);
  if (!found) throw new Error(`there is no verb ${verb}`);
  return found;
}
/** Verbs, and groups of verbs, by their full names. */
const verbs = allCommands(buildProgram())
  .map(verbName)
  .filter((name) => !name.startsWith("__"));

describe("the help", () => {
  test.each([60, 80, 140])("of the program and of every verb fits %i columns", (columns) => {
    for (const verb of [undefined, ...verbs]) {
      const examples = (verb === undefined ? undefined : MORE[verb])?.examples ?? [];
      // A command line is not wrapped, because users copy it.
      for (const line of helpOf(columns, verb).split("\n"))
        if (!examples.includes(line.trim())) expect(width(line), `${verb ?? ""}: ${line}`).toBeLessThanOrEqual(columns);
      for (const one of examples) expect(one.length).toBeLessThanOrEqual(78);
    }
  });

  test("lists every verb with its arguments, in columns that line up", () => {
    const lines = helpOf(80).split("\n");
    expect(lines).toContain("  backup <folder>                  copy the whole hive into a folder while it");
    expect(lines).toContain("                                   runs");
  });

  test("begins with the ten most needed verbs, each on one line; the others follow by group", () => {
    const [, first = "", ...others] = helpOf(80)
      .split(/\n\n(?=\S[^\n]*:\n)/)
      .filter((part) => !/^(?:Options|Arguments|Exit codes)/.test(part));
    const [heading, ...lines] = first.split("\n");
    expect(heading).toBe("The ten to begin with:");
    expect(lines.map((line) => line.trim().split(" ")[0])).toEqual([
      "status",
      "top",
      "spawn",
      "send",
      "inbox",
      "tail",
      "pending",
      "show",
      "approve",
      "deny",
    ]);
    expect(others.map((part) => part.split("\n")[0])).toEqual([
      "Agents:",
      "Messages:",
      "Questions:",
      "Turns:",
      "Budgets:",
      "Requests:",
      "Deploys:",
      "Repositories and changes:",
      "Files:",
      "The hive:",
      "Backups:",
      "This terminal:",
    ]);
  });

  test("of every verb with arguments has examples", () => {
    const program = buildProgram();
    const own = (verb: string): number =>
      find(program, verb).options.filter((one) => one.long !== "--json" && one.long !== "--socket").length;
    for (const verb of verbs)
      if (own(verb) > 0 || find(program, verb).registeredArguments.length > 0)
        expect(helpOf(80, verb)).toMatch(/\nExamples?:\n {2}/);
  });

  test("mentions only verbs and options that exist", () => {
    const program = buildProgram();
    for (const [verb, { examples }] of Object.entries(MORE)) {
      expect(examples.join("\n")).toContain(`hivectl ${verb}`);
      for (const [, line = ""] of examples.join("\n").matchAll(/hivectl ([a-z-][^|)\n&]*)/g)) {
        const words = line.split(" ");
        const isOfGroup = isGroup(find(program, words[0] ?? ""));
        const [other, rest] = [words.slice(0, isOfGroup ? 2 : 1).join(" "), ` ${words.slice(1).join(" ")}`];
        const options = find(program, other).options.flatMap((one) => [one.long, one.short]);
        for (const [option] of rest.matchAll(/(?<= )--?[a-z][a-z-]*/g)) expect(options, `${other} ${option}`).toContain(option);
      }
    }
  });
});

describe("a group of verbs", () => {
  const said = async (...words: string[]): Promise<string> => {
    const program = buildProgram();
    let text = "";
    for (const command of [program, ...allCommands(program)]) command.configureOutput({ writeErr: (part) => (text += part) });
    await expect(program.parseAsync(["node", "hivectl", ...words])).rejects.toThrow();
    return text;
  };

  test("lists its verbs in its help, and the help of the program has one line for it", () => {
    const repo = helpOf(80, "repo");
    expect(repo).toMatch(/^Usage: hivectl repo <verb> \[options\]\n/);
    for (const verb of verbs.filter((name) => name.startsWith("repo "))) expect(repo).toContain(`\n  ${verb.slice(5)} `);
    expect(helpOf(80).match(/\n {2}repo <verb> /g)).toHaveLength(1);
  });

  test("has verbs whose examples can be typed as they are", async () => {
    const { out } = await cliInside("change", "approve", "--help");
    expect(out).toMatch(/^Usage: hivectl change approve \[options\] <id>\n/);
    expect(out).toContain("\n  npx hivectl change approve 12\n");
  });

  test("alone is a usage error that names its verbs", async () => {
    expect(await said("repo")).toMatch(
      /^hivectl: repo takes a verb: add, list, show, .*\n\n?\(\S.*hivectl repo --help lists the verbs\)/,
    );
  });

  test("suggests the verb that was meant, by its whole name", async () => {
    expect(await said("repo", "lsit")).toContain("hivectl: there is no verb 'repo lsit'; did you mean repo list?");
    expect(await said("change", "aprove", "12")).toContain("no verb 'change aprove'; did you mean change approve?");
    expect(await said("repos")).toContain("there is no verb 'repos'; did you mean repo?");
    expect(await said("change", "xyzzy")).toContain("there is no verb 'change xyzzy'\n");
  });

  test("suggests no verb that only looks alike, least one that destroys, and names what does it", async () => {
    expect(await said("history")).toContain("there is no verb 'history'; see messages, turns, deploys, audit\n");
    expect(await said("chat")).toContain("there is no verb 'chat'; see send, top\n");
    expect(await said("repo", "rem")).toContain("there is no verb 'repo rem'\n");
    expect(await said("doctor")).toContain("is a verb of the daemon's program: `npx hive-c0re doctor`\n");
    for (const names of Object.values(OTHER_WORDS)) for (const name of names) expect(verbs).toContain(name);
  });

  test("refuses an excess argument of a verb", async () => {
    expect(await said("change", "approve", "12", "13")).toContain("too many arguments for 'approve'");
  });
});

test("an excess argument is a usage error", async () => {
  const program = buildProgram();
  let said = "";
  for (const command of [program, ...program.commands]) command.configureOutput({ writeErr: (words) => (said += words) });
  await expect(program.parseAsync(["node", "hivectl", "approve", "12", "13"])).rejects.toThrow();
  expect(said).toContain("hivectl: too many arguments for 'approve'. Expected 1 argument but got 2");
});
