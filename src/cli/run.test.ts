import { expect, test } from "vitest";
import { withRunnable } from "./run.ts";

test("the examples of the help can be typed as they are", () => {
  expect(withRunnable("Examples:\n  hivectl spawn scout\n  hivectl send scout hivectl\n")).toBe(
    "Examples:\n  npx hivectl spawn scout\n  npx hivectl send scout hivectl\n",
  );
});
