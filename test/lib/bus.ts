import type { AgentEvents } from "../../src/agents/events.ts";
import { Bus } from "../../src/lib/bus.ts";
import { onUnexpected } from "./unexpected.ts";

/** A bus on which a subscriber that fails fails the test. */
export const openBus = (): Bus<AgentEvents> => new Bus<AgentEvents>(onUnexpected);
