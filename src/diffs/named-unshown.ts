import type { DiffFile } from "../wire/approval.ts";
import { HiveError } from "../wire/error.ts";
import { isUnshown } from "../wire/unshown.ts";
import { writtenOut } from "../wire/unseen.ts";

/** The most paths that a refusal lists: they fit on a screen. The page and `show` have them all. */
const MAX_NAMED = 20;

/**
 * The paths of content that is not shown whole as text: an approval names each. `subject` is what is approved
 * ("request 4"), `look` how the whole file is read, `how` how it is named. Throws a `conflict` that lists what `named`
 * lacks.
 */
export function namedUnshown(
  files: readonly DiffFile[],
  named: readonly string[],
  { subject, look, how }: { subject: string; look: string; how: string },
): string[] {
  const unshown = files.filter(isUnshown);
  const missing = unshown.filter((file) => !named.includes(file.path));
  if (missing.length === 0) return unshown.map(({ path }) => path);
  const list = missing
    .slice(0, MAX_NAMED)
    .map((file) => `\n  ${onOneLine(file.path)} (${file.binary ? "not text" : "too long"})`)
    .join("");
  const more = missing.length > MAX_NAMED ? `\n  and ${missing.length - MAX_NAMED} more` : "";
  throw new HiveError(
    "conflict",
    `${subject} changes files that are not shown whole:${list}${more}\nLook at each (${look}, or its page) and approve with all of them named: ${how}`,
  );
}

/** A path, quoted if it has control characters: an agent chose it. */
function onOneLine(path: string): string {
  const quoted = JSON.stringify(path);
  return writtenOut(quoted === `"${path}"` ? path : quoted);
}
