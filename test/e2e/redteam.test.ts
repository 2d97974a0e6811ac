import { expect, test } from "vitest";
import { redteam } from "../redteam/suite.ts";

test("every attempt against the boundary is blocked or contained", async () => {
  const results = await redteam(() => {});
  expect(results.filter(({ outcome }) => outcome === "open")).toEqual([]);
});
