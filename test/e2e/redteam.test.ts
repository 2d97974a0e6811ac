import { expect, test } from "vitest";
import type { Definition } from "../redteam/result.ts";
import { scaled } from "../lib/slowness.ts";
import { redteam } from "../redteam/suite.ts";

/** Hundreds of attempts, each with a limit of its own. Milliseconds. */
const SUITE_MS = 1_200_000;

const isOutside = ({ from }: Definition): boolean => ["socket", "web", "browser", "upstream"].includes(from);

test.each([
  ["from the inside of a cage", (row: Definition) => !isOutside(row)],
  ["over the sockets, from the web, from a browser and from an upstream", isOutside],
])(
  "every attempt against the boundary is blocked or contained: %s",
  async (_, isChosen) => {
    const results = await redteam(() => {}, isChosen);
    const open = results.filter(({ outcome }) => outcome === "open");
    // At once: a run that is cut off afterwards would not say it.
    for (const { id, evidence } of open) console.error(`open: ${id}: ${evidence}`);
    expect(open).toEqual([]);
  },
  scaled(SUITE_MS),
);
