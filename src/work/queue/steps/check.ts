import type { Run } from "../run.ts";
import type { Merged } from "./merge.ts";

export async function checkStep({ repo }: Run, _merged: Merged): Promise<boolean> {
  if (repo.settings.check.trim() === "") return true;
  throw new Error("checks cannot be run yet");
}
