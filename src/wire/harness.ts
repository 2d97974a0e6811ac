import { z } from "zod";

/** The protocol between harness and daemon. The daemon speaks this one and the one before. */
export const PROTOCOL = 2;
/** The oldest protocol that is still served; such a cage is replaced between turns. */
export const OLDEST_PROTOCOL = 1;

/** Lines that the daemon pushes to the harness, unasked: `{"push": …}`. */
export const HarnessPush = z.discriminatedUnion("push", [
  /** End the running turn. The message is dropped, or with `return` goes back to the inbox. */
  z.object({ push: z.literal("cancel"), return: z.boolean().default(false) }),
  z.object({ push: z.literal("compact") }),
  z.object({ push: z.literal("model"), model: z.string() }),
  z.object({ push: z.literal("new_session") }),
  /** End this process: at once, or after the turn. */
  z.object({ push: z.literal("shutdown"), graceful: z.boolean() }),
]);
export type HarnessPush = z.infer<typeof HarnessPush>;

/**
 * How a turn ended, as data. Only `failed` counts towards the dead letter: it is the message's own fault.
 * `parked` and `cancelled` are not.
 */
export const TurnOutcome = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ok") }),
  z.object({ kind: z.literal("failed"), reason: z.string() }),
  z.object({
    kind: z.literal("parked"),
    why: z.enum(["rate_limited", "needs_login", "upstream", "crash"]),
    reason: z.string(),
    resumes_at: z.string().datetime().optional(),
  }),
  z.object({ kind: z.literal("cancelled"), return: z.boolean() }),
]);
export type TurnOutcome = z.infer<typeof TurnOutcome>;
