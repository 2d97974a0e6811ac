import { expect, test } from "vitest";
import { usageWords } from "./program.ts";
import { withRunnable } from "./run.ts";

test("the examples of the help can be typed as they are", () => {
  expect(withRunnable("Examples:\n  hivectl spawn scout\n  hivectl send scout hivectl\n")).toBe(
    "Examples:\n  npx hivectl spawn scout\n  npx hivectl send scout hivectl\n",
  );
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
