import { OWN_NIX } from "../agents/template.ts";
import { hivectl } from "../lib/hivectl.ts";
import type { Store } from "../store/store.ts";
import type { Sha, TreeFile } from "../wire/approval.ts";
import { PROJECTS } from "../wire/config-repos.ts";
import { textOf } from "./tree.ts";

/**
 * Nix code becomes a system whose root runs it. Bubblewrap reads none, and its cards leave the lines of such files out:
 * a config that was approved there is built only after an operator has read its code. A commit is read if it was approved
 * where cards show these lines, on top of one that is read, or if the operator says so of that commit.
 */

/** Digits of a commit that name it in a command. */
export const REVIEWED_DIGITS = 12;
/** The maximum number of files that a sentence names. */
const MAX_NAMED = 8;

/** The paths of the Nix files of a config with code of the agent's own: any text that is not one of the hive's. */
export function ownNix(files: readonly TreeFile[]): string[] {
  return files
    .filter(({ path }) => path.endsWith(".nix") && !path.startsWith(PROJECTS))
    .filter((file) => {
      const known = Object.hasOwn(OWN_NIX, file.path) ? (OWN_NIX[file.path] ?? []) : [];
      return file.mode === "120000" || !known.includes(textOf(file) ?? "");
    })
    .map(({ path }) => path);
}

/**
 * Why the Nix code of a config may not be built: it is code that no operator was shown. Undefined if it may. `isBuilt`
 * says that its system is there, which is built only of code that was read.
 */
export function unreadNix(
  { approvals }: Pick<Store, "approvals">,
  { name, sha, files, isBuilt }: { name: string; sha: Sha; files: readonly TreeFile[]; isBuilt: boolean },
): string | undefined {
  const own = isBuilt ? [] : ownNix(files);
  if (own.length === 0 || approvals.isNixRead(name, sha)) return undefined;
  const more = own.length > MAX_NAMED ? ` and ${own.length - MAX_NAMED} more` : "";
  return `its Nix code was approved where nothing reads it, without its lines (${own.slice(0, MAX_NAMED).join(", ")}${more}), and would be built and run as root of its container: read it (${hivectl(`config ${name}`)}), then ${hivectl(`migrate --build ${name} --reviewed ${name}@${sha.slice(0, REVIEWED_DIGITS)}`)}`;
}
