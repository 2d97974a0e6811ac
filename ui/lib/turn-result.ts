import type { TurnResult } from "../../src/wire/turn-ends.ts";

/** The colour of a turn by its result: red only for a failed message. */
export const RESULT_CLASS: Record<TurnResult, string> = {
  ok: "",
  failed: "red",
  parked: "amber",
  cancelled: "dim",
  interrupted: "dim",
};
