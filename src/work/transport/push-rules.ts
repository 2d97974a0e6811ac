import type { Sha } from "../../wire/approval.ts";
import { schemaComplaint } from "../../wire/error.ts";
import { BranchName, MAX_BASES } from "../../wire/work.ts";
import { NONE, type Command } from "./push-request.ts";
import { HEADS, RefNames } from "./view.ts";

/** What a ref of a push stands for: a topic of the caller, or a base. */
export type Target = { kind: "topic"; topic: string } | { kind: "base"; base: string };
export type Accepted = Command & { target: Target };

/** What a push is checked against. */
export interface PushRules {
  /** The name of the caller. Its topics are `refs/heads/<self>/<topic>`, or `refs/heads/<topic>`. */
  self: string;
  bases: ReadonlyMap<string, Sha>;
  /** Names that begin the branches of others. */
  others: ReadonlySet<string>;
  /** The topics of the caller. */
  topics: ReadonlyMap<string, Sha>;
  /** How many topics it may have in this repository. */
  maxTopics: number;
  /** Bytes that the caller may still push, its objects are kept also when it removes a branch. */
  bytesLeft: number;
  /** Why a base cannot be pushed. Undefined: by fast-forward it can. */
  whyNoBase: string | undefined;
  /** How a tag comes into the repository, for one that is pushed. */
  howToTag: string;
}

/**
 * Checks the commands of a push against the rules. Pure. Resolves each ref to its target; `refused` has the reason by
 * ref, in words for the terminal of who pushes.
 */
export function checkCommands(
  commands: readonly Command[],
  rules: PushRules,
): { accepted: Accepted[]; refused: Map<string, string> } {
  const refused = new Map<string, string>();
  const accepted: Accepted[] = [];
  const taken = new Set<string>();
  for (const command of commands) {
    const target = targetOf(command, rules);
    if (typeof target === "string") {
      refused.set(command.ref, target);
      continue;
    }
    const key = target.kind === "base" ? `base ${target.base}` : `topic ${target.topic}`;
    if (taken.has(key)) refused.set(command.ref, "the push names this branch twice");
    taken.add(key);
    accepted.push({ ...command, target });
  }
  if (refused.size === 0) for (const [ref, why] of crowding(accepted, rules)) refused.set(ref, why);
  return { accepted, refused };
}

function targetOf(command: Command, rules: PushRules): Target | string {
  const { ref } = command;
  if (ref.startsWith("refs/tags/")) return `tags cannot be pushed: ${rules.howToTag}`;
  if (!ref.startsWith(HEADS)) return "only branches can be pushed: push to refs/heads/<branch>";
  if (command.old === NONE && command.new === NONE) return "there is no such branch";
  const full = ref.slice(HEADS.length);
  if (rules.bases.has(full)) return baseTarget(command, full, rules);
  const [first = "", ...rest] = full.split("/");
  if (first !== rules.self && rules.others.has(first) && rest.length > 0)
    return `${first}/… are the branches of ${first}: push to a branch of your own`;
  const topic = first === rules.self && rest.length > 0 ? rest.join("/") : full;
  const parsed = BranchName.safeParse(topic);
  if (!parsed.success) return schemaComplaint(parsed.error);
  if (rules.whyNoBase === undefined && first !== rules.self) return newBaseTarget(command, full, rules);
  return topicTarget(command, topic, rules);
}

function baseTarget(command: Command, base: string, rules: PushRules): Target | string {
  if (rules.whyNoBase !== undefined)
    return `${base} is a base, ${rules.whyNoBase}. Commit on a branch of your own: git switch -c <branch>, then git push -u origin <branch>`;
  if (command.new === NONE) return `${base} is a base: a base cannot be removed by a push`;
  if (command.old !== rules.bases.get(base)) return `${base} has moved: fetch first`;
  return { kind: "base", base };
}

/** A branch of the operator outside its own names begins a new base. */
function newBaseTarget(command: Command, base: string, rules: PushRules): Target | string {
  if (rules.others.has(base)) return `there is an agent ${base}, whose branches begin with its name: choose another name`;
  if (command.old !== NONE) return "there is no such branch";
  for (const other of rules.bases.keys()) if (areNested(base, other)) return sideBySide(base, other);
  if (rules.bases.size >= MAX_BASES) return `a repository has at most ${MAX_BASES} bases`;
  return { kind: "base", base };
}

function topicTarget(command: Command, topic: string, rules: PushRules): Target | string {
  for (const base of rules.bases.keys()) if (topic === base || areNested(topic, base)) return sideBySide(topic, base);
  if (topic === rules.self) return `${topic} is the name that your branches begin with: choose another name`;
  const now = rules.topics.get(topic) ?? NONE;
  if (command.old !== now)
    return now === NONE ? "there is no such branch" : `${topic} has moved: fetch first, or push to ${rules.self}/${topic}`;
  return { kind: "topic", topic };
}

/** Git stores a branch as a file: none can be a folder of another. */
const areNested = (a: string, b: string): boolean => a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
const sideBySide = (name: string, base: string): string =>
  `there cannot be a branch ${name} beside the base ${base}: choose another name`;

/** Refs that would not fit beside what is there after the push. */
function crowding(accepted: readonly Accepted[], rules: PushRules): [string, string][] {
  const after = new RefNames();
  const changed = new Set(accepted.map(({ target }) => (target.kind === "topic" ? target.topic : `${rules.self}/`)));
  const staying = [...rules.topics].filter(([topic]) => !changed.has(topic));
  for (const [topic, sha] of staying) after.add(topic, sha);
  let count = staying.length;
  const wrong: [string, string][] = [];
  for (const { ref, new: next, target } of accepted) {
    if (target.kind !== "topic" || next === NONE) continue;
    if (!after.add(target.topic, next))
      wrong.push([ref, `it cannot be a branch beside another of yours, one in the folder of the other: choose another name`]);
    else if (++count > rules.maxTopics && !rules.topics.has(target.topic))
      wrong.push([ref, `you have too many branches: remove some with git push origin --delete <branch>`]);
  }
  return wrong;
}
