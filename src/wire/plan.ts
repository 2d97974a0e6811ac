import { z } from "zod";
import { Instant } from "./names.ts";

/** How much of a subscription's limit for a window of time is used, as the newest answer of the model has told. */
export const PlanView = z.object({
  /** The plan's name for the window, such as `5h` or `7d`. */
  window: z.string(),
  /** A fraction; above 1 where the plan allows more. */
  used: z.number(),
  /** The credential whose limit it is. Absent for the hive's own. */
  credential: z.string().optional(),
  resets_at: Instant.optional(),
});
export type PlanView = z.infer<typeof PlanView>;
