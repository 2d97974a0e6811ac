import { z } from "zod";
import { Id, Instant } from "./names.ts";

/** Agents that message one another round and round in one chain of messages, without a human in it. */
export const LoopView = z.object({
  /** The first message of the chain. */
  chain: Id,
  /** The names of the agents, beginning and ending with the same one: an edge between each and the next. */
  agents: z.array(z.string()),
  rounds: z.number().int(),
  /** US dollars of the chain's priced requests, and how many requests have no price. */
  cost_usd: z.number(),
  unpriced: z.number().int(),
  output_tokens: z.number(),
  /** When its newest message was sent. */
  last_at: Instant,
  /** True while a message of the chain waits for the operator. */
  held: z.boolean(),
});
export type LoopView = z.infer<typeof LoopView>;
