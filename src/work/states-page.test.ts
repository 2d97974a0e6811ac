import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CHANGE_STATES, CHANGE_TABLE, changeAfter, changeCan, isBeingMerged, isChangeOver } from "../wire/change-states.ts";
import { changeStatesPage } from "./states-page.ts";

test("docs/change-states.md is the table", () => {
  expect(readFileSync("docs/change-states.md", "utf8")).toBe(changeStatesPage());
});

test("every state can be reached, and each that is not final can still end", () => {
  const reached = new Set<string>(["proposed"]);
  for (let size = 0; size !== reached.size;) {
    size = reached.size;
    for (const state of CHANGE_STATES)
      if (reached.has(state)) for (const to of Object.values(CHANGE_TABLE[state])) reached.add(to);
  }
  expect([...reached].sort()).toEqual([...CHANGE_STATES].sort());
  const ends = new Set<string>(CHANGE_STATES.filter(isChangeOver));
  for (let size = 0; size !== ends.size;) {
    size = ends.size;
    for (const state of CHANGE_STATES) if (Object.values(CHANGE_TABLE[state]).some((to) => ends.has(to))) ends.add(state);
  }
  expect(ends.size).toBe(CHANGE_STATES.length);
});

test("what the queue works on can neither be decided nor proposed again", () => {
  for (const state of CHANGE_STATES.filter(isBeingMerged)) {
    for (const action of ["approve", "deny", "return", "withdraw", "propose", "dequeue"] as const)
      expect(changeCan({ state }, action)).toBe(false);
    expect(changeAfter(state, "requeue")).toBe("queued");
  }
});
