import type { Output } from "../wire/operations.ts";
import { diffText } from "./diff-text.ts";
import { visible, type View } from "./print.ts";

/** What differs in a workspace, against which commit, and what was not compared. */
export function workspaceText(
  { base, from, files, left_out: leftOut }: Output<"workspace_diff">,
  view: View,
  showFile: string,
): string {
  const { paint } = view;
  const against = from === undefined ? `${base}, which has no commit` : `${base} at ${from.slice(0, 12)}`;
  const lines = [paint("dim", `against ${visible(against)}`), diffText(files, view, { showFile, isForReading: true })];
  if (leftOut.length > 0) lines.push("", paint("amber", "Not compared:"));
  for (const { path, kind } of leftOut) lines.push(`  ${visible(path)} ${paint("dim", kind)}`);
  return lines.join("\n");
}
