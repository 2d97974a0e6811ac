import { isOperator } from "../wire/roles.ts";
import type { RepoSettings } from "../wire/work.ts";
import { PROTECTED_FILES, PROTECTED_FOLDERS } from "./protected-paths.ts";

/**
 * The time in which the operator may stop a change that a reviewer has approved. It waits in `approved` until then.
 * Milliseconds.
 */
export const VETO_MS = 30 * 60_000;

/** Who decided on a change, and when. */
interface Decided {
  decided_by: string | null;
  decided_at: number | null;
}

/** Whether a named reviewer has decided. The operator may then veto. */
export const isReviewed = ({ decided_by: by }: Decided): boolean => by !== null && !isOperator(by) && by !== POLICY_CHECKS;

/** When an approved change goes into the queue: at the end of the time for a veto. Milliseconds since the epoch. */
export const vetoEnds = (row: Decided): number => (row.decided_at ?? 0) + (isReviewed(row) ? VETO_MS : 0);

/** Who has decided on a change that its repository leaves to the check. */
export const POLICY_CHECKS = "policy checks";

/**
 * The paths among `paths` that only the operator may approve: those of every repository, and those that the
 * repository's own patterns name. A pattern without a slash matches in every folder, one with a slash from the top. `*`
 * matches within one name, `**` any folders. A pattern that names a folder matches everything in it. Case is ignored,
 * because some file systems ignore it.
 */
export function protectedPaths(paths: readonly string[], patterns: readonly string[]): string[] {
  const all = [...LONGER_FOLDERS, ...patterns.map(partsOf)];
  return paths.filter((path) => {
    const names = path.toLowerCase().split("/");
    // Hundreds of patterns are one plain name. A change has thousands of paths, and nothing else runs meanwhile.
    const last = names.at(-1) ?? "";
    if (PLAIN_FILES.has(last) || names.some((name) => PLAIN_FOLDERS.has(name))) return true;
    if (WILD_FILES.some((pattern) => sameName(pattern, last))) return true;
    return all.some((pattern) => matches(pattern, names));
  });
}

/** Why settings cannot work together: a policy that nothing could ever satisfy. Undefined if they can. */
export function settingsComplaint({
  policy,
  check,
  reviewers,
  check_on: checkOn,
}: Pick<RepoSettings, "policy" | "check" | "reviewers" | "check_on">): string | undefined {
  if (policy === "checks" && check.trim() === "")
    return 'policy: under "checks" a change merges when its check passes, and this repository has none: set a check with it';
  if (policy === "reviewed" && reviewers.length === 0)
    return 'policy: under "reviewed" a named reviewer approves, and this repository has none: name one with it';
  if (checkOn === "propose" && check.trim() === "")
    return "check-on: the repository has no check to run when a change is proposed: set a check with it";
  return undefined;
}

/** What a decision without the operator depends on. */
export interface PolicyFacts {
  settings: Pick<RepoSettings, "policy" | "check" | "reviewers">;
  /** Who proposed it. */
  author: string;
  /** True if it touches a protected path. */
  isProtected: boolean;
}

/**
 * What decides on a change without the operator: its `check` alone, or the verdict of one of `reviewers`. Undefined if
 * only the operator decides.
 */
export function decidesWithoutOperator({
  settings: { policy, check, reviewers },
  author,
  isProtected,
}: PolicyFacts): { by: "check" } | { by: "reviewers"; reviewers: string[] } | undefined {
  if (isProtected || policy === "operator") return undefined;
  if (policy === "checks") return check.trim() === "" ? undefined : { by: "check" };
  const others = reviewers.filter((name) => name !== author);
  return others.length === 0 ? undefined : { by: "reviewers", reviewers: others };
}

/**
 * Whether an approval still counts under the settings as they are now. The operator's always does. One by the check
 * needs a check, and one by a reviewer needs that reviewer, as long as the policy is that one.
 */
export function stillCounts(decidedBy: string | null, facts: PolicyFacts): boolean {
  if (isOperator(decidedBy)) return true;
  const rule = decidesWithoutOperator(facts);
  if (rule === undefined || decidedBy === null) return false;
  return rule.by === "check" ? decidedBy === POLICY_CHECKS : rule.reviewers.includes(decidedBy);
}

/** A pattern as names: `**` in front makes it match in every folder, one at the end everything below. */
function partsOf(pattern: string): string[] {
  const text = pattern.trim().toLowerCase();
  const parts = text.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0) return [];
  return [...(/\/./.test(text) ? [] : ["**"]), ...parts, "**"];
}

/**
 * What `PROTECTED_FILES` names is the last part of a path: a file is no folder of the same name, such as `build`. What
 * `PROTECTED_FOLDERS` names is any part. Most are plain names, without a wildcard or a slash.
 */
const lower = (names: readonly string[]): string[] => names.map((name) => name.toLowerCase());
const PLAIN_FILES: ReadonlySet<string> = new Set(lower(PROTECTED_FILES.filter(isPlain)));
const WILD_FILES = lower(PROTECTED_FILES.filter((name) => !isPlain(name)));
const PLAIN_FOLDERS: ReadonlySet<string> = new Set(lower(PROTECTED_FOLDERS.filter(isPlain)));
const LONGER_FOLDERS = PROTECTED_FOLDERS.filter((name) => !isPlain(name)).map(partsOf);

function isPlain(pattern: string): boolean {
  return /^[^*/]+$/.test(pattern);
}

/** True if the pattern matches the path or a folder that contains it. An empty pattern matches nothing. */
function matches(pattern: readonly string[], names: readonly string[]): boolean {
  return pattern.length > 0 && wildcard(pattern, names, "**", sameName);
}

function sameName(pattern: string, name: string): boolean {
  const first = pattern.indexOf("*");
  if (first < 0) return pattern === name;
  // Most names differ before the first or after the last wildcard.
  if (!name.startsWith(pattern.slice(0, first)) || !name.endsWith(pattern.slice(pattern.lastIndexOf("*") + 1))) return false;
  return wildcard(Array.from(pattern), Array.from(name), "*", (a, b) => a === b);
}

/**
 * Matches a list with wildcards against a list. Takes time in proportion to both lengths, whatever the pattern: only the
 * last wildcard is ever tried again.
 */
function wildcard<T>(pattern: readonly T[], items: readonly T[], many: T, same: (part: T, item: T) => boolean): boolean {
  let [part, item, lastMany, tried] = [0, 0, -1, 0];
  while (item < items.length) {
    if (part < pattern.length && pattern[part] === many) [lastMany, tried, part] = [part, item, part + 1];
    else if (part < pattern.length && same(pattern[part] as T, items[item] as T)) [part, item] = [part + 1, item + 1];
    else if (lastMany >= 0) [part, item, tried] = [lastMany + 1, tried + 1, tried + 1];
    else return false;
  }
  while (part < pattern.length && pattern[part] === many) part++;
  return part === pattern.length;
}
