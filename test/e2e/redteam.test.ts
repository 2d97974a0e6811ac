import { expect, test } from "vitest";
import { scaled } from "../lib/slowness.ts";
import { redteam } from "../redteam/suite.ts";

/** Hundreds of attempts, each with a limit of its own. Milliseconds. */
const SUITE_MS = 1_200_000;

test(
  "every attempt against the boundary is blocked or contained",
  async () => {
    const results = await redteam(() => {});
    const open = results.filter(({ outcome }) => outcome === "open");
    // At once: a run that is cut off afterwards would not say it.
    for (const { id, evidence } of open) console.error(`open: ${id}: ${evidence}`);
    expect(open).toEqual([]);
  },
  scaled(SUITE_MS),
);
