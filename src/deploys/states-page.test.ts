import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { statesPage } from "./states-page.ts";

test("docs/states.md is generated from the table", () => {
  const drawn = readFileSync(join(import.meta.dirname, "../../docs/states.md"), "utf8");
  expect(drawn, "run: node scripts/draw-states.mjs").toBe(statesPage());
});
