import { activateStep } from "./activate.ts";
import { agentStep } from "./agent.ts";
import { buildStep } from "./build.ts";
import { generationStep } from "./generation.ts";
import { lockStep } from "./lock.ts";
import { proposedStep } from "./proposed.ts";
import { publishStep } from "./publish.ts";
import { Steps } from "./step.ts";
import { treeStep } from "./tree.ts";
import { waitStep } from "./wait.ts";

/** The steps of a deploy up to the point of no return, in order, each with its undo. */
export const STEPS = new Steps()
  .add(agentStep)
  .add(treeStep)
  .add(generationStep)
  .add(proposedStep)
  .add(lockStep)
  .add(buildStep)
  .add(waitStep)
  .add(activateStep)
  .add(publishStep).list;

/** The parts after the point of no return, which are finished and never undone (`finish.ts`). */
export const FINISHING = ["main", "tag", "settle", "leave"] as const;

/** Every point at which a test may break a deploy: before each step, and at the end. */
export const FAILPOINTS: readonly string[] = [...STEPS.map((step) => step.name), ...FINISHING]
  .map((name) => `before:${name}`)
  .concat("end");
