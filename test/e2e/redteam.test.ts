import { expect, test } from "vitest";
import { scaled } from "../lib/slowness.ts";
import { redteam } from "../redteam/suite.ts";

/** Hundreds of attempts, each with a limit of its own. Milliseconds. */
const SUITE_MS = 600_000;

test(
  "every attempt against the boundary is blocked or contained",
  async () => {
    const results = await redteam(() => {});
    expect(results.filter(({ outcome }) => outcome === "open")).toEqual([]);
  },
  scaled(SUITE_MS),
);
