import type { DiffFile } from "../../src/wire/approval.ts";
import { visible } from "../lib/text.ts";

/** Modes as git writes them. */
const LINK = "120000";
const SUBMODULE = "160000";
const EXECUTABLE = "100755";

/** A change of a file's mode, and a mode that matters: a program, a link, a submodule. The lines do not show it. */
export function modeWords({ old_mode: old, new_mode: fresh }: Pick<DiffFile, "old_mode" | "new_mode">): string[] {
  const words: string[] = [];
  if (old !== undefined && fresh !== undefined && old !== fresh) words.push(`mode ${visible(old)} → ${visible(fresh)}`);
  if (fresh === LINK) words.push("symbolic link");
  if (fresh === SUBMODULE) words.push("submodule");
  if (fresh === EXECUTABLE && old !== fresh) words.push("may be run");
  return words;
}
