import { HiveError } from "../../wire/error.ts";
import { MODEL_ALIASES } from "../../wire/models.ts";

/** The family of the CLI's small helper model, which every agent may use: for titles and summaries of tools. */
const HELPER_FAMILY = "haiku";
/** `claude-sonnet-4-5-20250929`, `claude-3-5-haiku-latest`: a family, its version before or after it, and a date. */
const MODEL_ID = /^claude-(?:(?<before>[a-z]+)-\d{1,2}(?:-\d{1,2})?|\d{1,2}(?:-\d{1,2})?-(?<behind>[a-z]+))(?:-\d{8}|-latest)?$/;

/** Throws `forbidden` unless the model is one of `configured` (ids or aliases of the CLI) or the CLI's small helper. */
export function checkModel(asked: string, configured: readonly string[]): void {
  const groups = MODEL_ID.exec(asked)?.groups;
  const family = groups?.["before"] ?? groups?.["behind"];
  if (family === HELPER_FAMILY) return;
  for (const entry of configured) {
    // `sonnet[1m]` requests a larger window of the same model.
    const model = entry.replace(/\[[^\]]*\]$/, "");
    if (asked === model) return;
    if (family !== undefined && Object.hasOwn(MODEL_ALIASES, model) && MODEL_ALIASES[model]?.includes(family)) return;
  }
  throw new HiveError(
    "forbidden",
    `the model ${JSON.stringify(asked.slice(0, 80))} is not this agent's (${configured.join(", ")}): set "model" in agent.json, or ask the operator for an override`,
  );
}
