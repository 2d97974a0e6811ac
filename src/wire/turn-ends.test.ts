import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { turnEndsTable } from "./turn-ends-page.ts";
import { COUNTED_ENDS, PARKING_ENDS, TURN_ENDS, turnEndRule, type TurnEnd } from "./turn-ends.ts";

const ends = Object.keys(TURN_ENDS) as TurnEnd[];

test("an end is counted exactly if it is the message's fault", () => {
  for (const end of ends)
    expect([end, turnEndRule(end).message === "counted"]).toEqual([end, turnEndRule(end).fault === "message"]);
});

test("parking and counting match the table", () => {
  const having = (message: string): string[] =>
    ends.filter((end) => turnEndRule(end).message === message && turnEndRule(end).pause !== undefined);
  expect([...PARKING_ENDS]).toEqual(having("returned"));
  expect([...COUNTED_ENDS]).toEqual(having("counted"));
});

test("a fault of session, config or machine has a remedy", () => {
  for (const end of ends.filter((one) => ["session", "config", "machine"].includes(turnEndRule(one).fault)))
    expect([end, turnEndRule(end).remedy]).not.toEqual([end, undefined]);
});

test("docs/reliability.md contains the table", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/reliability.md"), "utf8");
  expect(page, "run: node scripts/draw-turn-ends.mjs").toContain(turnEndsTable());
});
