import { collect } from "../../os/run-bytes.ts";
import { GitError } from "../../os/git/git.ts";
import type { ChangeRecord } from "../../store/changes.ts";
import type { Sha } from "../../wire/approval.ts";
import { MAX_REASON_CHARS } from "../../wire/limits.ts";
import type { MergeMethod } from "../../wire/work.ts";
import type { GitWorker } from "../git/worker.ts";
import { effectOf, endsOf, MAX_LIST_BYTES } from "./surprises.ts";
import { MAX_REBASED_COMMITS, MERGE_SCRIPT, RECONCILE_SCRIPT, REVERT_SCRIPT } from "./merge-script.ts";

/**
 * Time for one merge. The largest change takes seconds. One that takes longer was made to: its owner gets it back.
 * Milliseconds.
 */
const MERGE_MS = 5 * 60_000;
/** Bytes that a merge prints: the list of a conflict's files. */
const MAX_OUTPUT_BYTES = 1024 * 1024;
/** Files that the reason of a conflict names. */
const MAX_NAMED_FILES = 50;

/** What became of a merge or a revert: a commit, nothing to do, or why it cannot be made. */
export type Made =
  /** `paths` are those that it changes. */
  | { kind: "made"; commit: Sha; paths: string[] }
  | { kind: "contained" }
  /** `files` is empty if it is not about files. */
  | { kind: "conflict"; files: string[]; reason: string };

/** What a merge tells its caller, and heeds. */
export interface MergeMoments {
  /** The result exists in the scratch repository only. */
  merged?(): Promise<void>;
  /** Ends git when it aborts; the merge rejects with its reason. */
  ended?: AbortSignal;
}

/**
 * Merges a change onto the tip of its base (undefined: the base does not exist yet) in the sandbox, and keeps the
 * objects. The same row and tip make the same commit.
 */
export function mergeChange(
  git: GitWorker,
  row: ChangeRecord,
  { method, tip, ...moments }: { method: MergeMethod; tip: Sha | undefined } & MergeMoments,
): Promise<Made> {
  const seconds = Math.floor((row.decided_at ?? row.proposed_at) / 1000);
  const args = [method, tip ?? "-", row.sha, `${row.repo}/${row.id}`, String(seconds), ...endsOf(row, tip)];
  return make(git, row, { script: MERGE_SCRIPT, args, message: messageOf(row, method), shown: row, ...moments });
}

/**
 * Makes a commit on the tip of the base that undoes a merged change, and keeps it. `before`: the commit of the base before
 * the change; undefined if it had none. `now` is its time.
 */
export function revertChange(
  git: GitWorker,
  row: ChangeRecord,
  { tip, before, now }: { tip: Sha; before: Sha | undefined; now: number },
): Promise<Made> {
  const merged = row.merged_sha ?? "";
  const args = [tip, merged, before ?? "-", String(Math.floor(now / 1000))];
  const message = `Revert "${oneLine(row.title)}"\n\nThis undoes change ${row.id} of ${row.agent_name}, merged as ${merged}.\n`;
  return make(git, row, { script: REVERT_SCRIPT, args, message });
}

/** Makes the commit that merges the tip of an upstream into a base, and keeps it. `now` is its time. */
export function mergeUpstream(
  git: GitWorker,
  at: { repo: string; base: string },
  { ours, upstream, now }: { ours: Sha; upstream: Sha; now: number },
): Promise<Made> {
  const args = [ours, upstream, String(Math.floor(now / 1000))];
  return make(git, at, { script: RECONCILE_SCRIPT, args, message: `Merge ${at.base} of the upstream\n` });
}

async function make(
  git: GitWorker,
  { repo, base }: { repo: string; base: string },
  {
    script,
    args,
    message,
    shown,
    merged,
    ended: stop,
  }: { script: string; args: string[]; message: string; shown?: ChangeRecord } & MergeMoments,
): Promise<Made> {
  return git.withScratch(repo, {}, async (scratch) => {
    const maxBytes = MAX_OUTPUT_BYTES + (shown ? MAX_LIST_BYTES : 0);
    const bounds = { maxBytes, timeoutMs: MERGE_MS, input: message };
    const ended = await collect(scratch.start(script, args), { ...bounds, ...(stop ? { signal: stop } : {}) });
    stop?.throwIfAborted();
    if (ended.tooLong) {
      const reason = `git could not merge it within ${MERGE_MS / 60_000} minutes: split the change into smaller ones`;
      return { kind: "conflict", files: [], reason };
    }
    if (ended.code !== 0 || ended.tooMuch)
      throw new GitError(
        `git: ${ended.stderr.trim() || (ended.signal ?? "no reason given")} (exit ${ended.code ?? ended.signal})`,
      );
    const result = read(ended.stdout, base);
    if (result.kind !== "made") return result;
    await merged?.();
    const effect = shown ? effectOf(shown, result.listed) : { paths: [], surprises: [] };
    if (effect.surprises.length > 0) return surprising(base, effect.surprises);
    await scratch.keepObjects();
    return { kind: "made", commit: result.commit, paths: effect.paths };
  });
}

/** A merge that would change more than was shown is returned like a conflict. */
function surprising(base: string, paths: readonly string[]): Made {
  const named = paths.slice(0, MAX_NAMED_FILES).map(oneLine);
  const more = paths.length > named.length ? [`and ${paths.length - named.length} more`] : [];
  const what = `merging it would change what the proposal does not show: ${[...named, ...more].join(", ")}`;
  const why = "The history of the branch undoes or moves files that the proposal seems to leave alone.";
  const next = `Make the branch again as plain commits on ${base}, push it and propose it again.`;
  return { kind: "conflict", files: [...paths], reason: [what, why, next].join("\n").slice(0, MAX_REASON_CHARS) };
}

/** What follows `made` and a commit begins here. */
const MADE = Buffer.from("made\0");
const LISTED_AT = MADE.length + 41;

/** Reads what the script printed. `listed` is what `LISTS` has printed of the commit. */
function read(out: Buffer, base: string): Exclude<Made, { kind: "made" }> | { kind: "made"; commit: Sha; listed: Buffer } {
  if (out.subarray(0, MADE.length).equals(MADE)) {
    const commit = out.toString("latin1", MADE.length, LISTED_AT - 1);
    return { kind: "made", commit, listed: out.subarray(LISTED_AT) };
  }
  const [word, first = "", ...rest] = out.toString("utf8").split("\0");
  const conflict = (reason: string, files: string[] = []) => ({
    kind: "conflict" as const,
    files,
    reason: reason.slice(0, MAX_REASON_CHARS),
  });
  switch (word) {
    case "contained":
      return { kind: "contained" };
    case "unrelated":
      return conflict(`the branch shares no commit with ${base}: start it from ${base}`);
    case "too_many":
      return conflict(`the branch has ${first} commits; a rebase takes at most ${MAX_REBASED_COMMITS}: squash some of them`);
    case "too_large":
      return conflict(`the message of the commit ${first} is too long to be rebased: shorten it`);
    case "conflict": {
      const end = rest.indexOf("");
      const files = (end < 0 ? rest : rest.slice(0, end)).map(oneLine);
      const words = end < 0 ? [] : conflictWords(rest.slice(end + 1));
      const named = files.slice(0, MAX_NAMED_FILES);
      const more = files.length > named.length ? [`and ${files.length - named.length} more`] : [];
      const count = files.length === 1 ? "1 file" : `${files.length} files`;
      const what = `it conflicts with ${base} in ${count}: ${[...named, ...more].join(", ")}`;
      const next = `Merge or rebase your branch onto ${base}, push it and propose it again.`;
      return conflict([what, next, ...words].join("\n"), files);
    }
    default:
      throw new GitError(`the merge printed something unknown: ${JSON.stringify(word?.slice(0, 80))}`);
  }
}

/** The texts of the conflicts, from records of: number of paths, the paths, kind, text. */
function conflictWords(fields: string[]): string[] {
  const words: string[] = [];
  for (let at = 0; at < fields.length;) {
    const paths = Number(fields[at]);
    if (!Number.isInteger(paths) || fields[at] === "") break;
    const [kind = "", text = ""] = fields.slice(at + 1 + paths, at + 3 + paths);
    if (kind.startsWith("CONFLICT")) words.push(oneLine(text.trim()));
    at += paths + 3;
  }
  return words;
}

function messageOf(row: ChangeRecord, method: MergeMethod): string {
  const title = oneLine(row.title);
  const subject = method === "squash" ? title : `Merge ${row.agent_name}/${row.branch}: ${title}`;
  const body = row.body.replaceAll("\0", "").trim();
  return body === "" ? `${subject}\n` : `${subject}\n\n${body}\n`;
}

/** A text of an agent as one line without control characters. */
const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f]+/g, " ").trim();
