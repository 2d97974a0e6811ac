import { expect, test } from "vitest";
import { cliInside } from "../../test/lib/cli-inside.ts";
import { MORE } from "./examples.ts";
import { usageWords } from "./program.ts";
import { withRunnable } from "./run.ts";

test("the examples of the help can be typed as they are", () => {
  expect(withRunnable("Examples:\n  hivectl spawn scout\n  hivectl send scout hivectl\n")).toBe(
    "Examples:\n  npx hivectl spawn scout\n  npx hivectl send scout hivectl\n",
  );
});

test("commands in the text of a help can be typed as they are, also over the end of a line", async () => {
  expect(withRunnable("  man   print it: `hivectl man | man -l -`\nSee `hivectl\ncost`.\n")).toBe(
    "  man   print it: `npx hivectl man | man -l -`\nSee `npx hivectl\ncost`.\n",
  );
  expect((await cliInside("--help")).out).toContain("`npx hivectl man |");
  // Prose has no bare name followed by a verb: `hivectl cost` is in backticks.
  for (const { words = "" } of Object.values(MORE)) expect(words).not.toMatch(/(?<!`)hivectl [a-z]/);
});

test("a number that is none is refused in one sentence, as an argument and as an option", () => {
  expect(usageWords("error: command-argument value 'abc' is invalid for argument 'id'. it is a whole number from 1 on.\n")).toBe(
    "hivectl: <id> 'abc' is not valid: it is a whole number from 1 on.\n",
  );
  expect(usageWords("error: option '-n, --limit <count>' argument 'x' is invalid. it is a whole number from 1 on.\n")).toBe(
    "hivectl: option '-n, --limit <count>' argument 'x' is not valid: it is a whole number from 1 on.\n",
  );
  expect(usageWords("error: unknown option '--x'\n")).toBe("hivectl: unknown option '--x'\n");
});

test("a program that runs again keeps no option of the last run", async () => {
  const nobody = "/nonexistent/host.sock";
  expect((await cliInside("list", "--socket", nobody, "--json")).out).toMatch(/^\{.*\}\n$/);
  expect(await cliInside("list", "--socket", nobody)).toMatchObject({
    code: 3,
    out: "",
    err: expect.stringMatching(/^hivectl: /) as string,
  });
});
