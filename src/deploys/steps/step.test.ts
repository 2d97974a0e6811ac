import { expect, test } from "vitest";
import { STEPS } from "./index.ts";
import { agentStep } from "./agent.ts";
import { Steps } from "./step.ts";
import { treeStep } from "./tree.ts";

test("a step before the one that provides its input does not compile", () => {
  // @ts-expect-error treeStep needs the agent that agentStep finds.
  expect(new Steps().add(treeStep).add(agentStep).list).toEqual([treeStep, agentStep]);
  expect(STEPS.slice(0, 2)).toEqual([agentStep, treeStep]);
});
