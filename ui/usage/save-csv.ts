import { USAGE_KEY_LIST, usageCsv } from "../../src/wire/usage-csv.ts";
import { call } from "../lib/api.ts";

/** Saves the usage of the last days as a file: a row per day, agent, model and credential. Resolves with words if it is not all. */
export async function saveCsv(days: number): Promise<string | undefined> {
  const by = [...USAGE_KEY_LIST];
  const { rows, since, until, more } = await call("usage_sums", { days, by });
  const file = URL.createObjectURL(new Blob([usageCsv(rows, by)], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = file;
  link.download = `usage-${since}-to-${until}.csv`;
  link.click();
  URL.revokeObjectURL(file);
  return more ? "the file has no room for the oldest days: choose a shorter range" : undefined;
}
