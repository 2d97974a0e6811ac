import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { operations } from "../wire/operations.ts";
import { EXIT_CODES } from "./exit.ts";
import { pages } from "./pages.ts";
import { buildProgram } from "./program.ts";
import { VERB_OUTPUT } from "./shapes.ts";
import { verbName, verbsOf } from "./verbs.ts";

const ROOT = join(import.meta.dirname, "../..");
const program = buildProgram();
const verbs = verbsOf(program).map(verbName);

test.each(Object.entries(pages()))("%s is what `npm run man` makes", (path, text) => {
  expect(readFileSync(join(ROOT, path), "utf8")).toBe(text);
});

test("the man page has every verb, every option, and no line that roff would read as a request", () => {
  const page = pages()["docs/man/hivectl.1"] ?? "";
  for (const command of verbsOf(program)) {
    expect(page).toContain(`hivectl ${verbName(command).replaceAll("-", "\\-")}`);
    for (const option of command.options) expect(page).toContain((option.long ?? "").replaceAll("-", "\\-"));
  }
  const requests = page.split("\n").filter((line) => /^[.']/.test(line));
  for (const line of requests) expect(line).toMatch(/^\.(?:TH|SH|SS|TP|PP|B|BR|I|nf|fi)\b/);
});

test("docs/hivectl.md, the man page and --help have the exit codes of src/cli/exit.ts", () => {
  const doc = readFileSync(join(ROOT, "docs/hivectl.md"), "utf8");
  const rows = Array.from(doc.matchAll(/^\| (\d+) \| (.+) \|$/gm), ([, code, words]) => [Number(code), words]);
  expect(rows).toEqual(EXIT_CODES.map(([code, words]) => [code, words]));
  let help = "";
  program.configureOutput({ writeOut: (words) => (help += words), getOutHelpWidth: () => 200 }).outputHelp();
  for (const [code, words] of EXIT_CODES) {
    expect(help).toContain(`  ${code}  ${words}`);
    expect(pages()["docs/man/hivectl.1"]).toContain(`.B ${code}\n`);
  }
});

test("docs/hivectl-json.md has the shape of every verb that prints an answer", () => {
  const silent = ["top", "completion", "man"];
  expect(Object.keys(VERB_OUTPUT).sort()).toEqual(verbs.filter((verb) => !silent.includes(verb)).sort());
  for (const output of Object.values(VERB_OUTPUT)) if (typeof output === "string") expect(operations).toHaveProperty(output);
});
