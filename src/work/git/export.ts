import { HIVE_BRANCHES } from "../../os/git/exported-folder.ts";
import { collect } from "../../os/run-bytes.ts";
import type { Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import type { FolderUpstream } from "../repo-record.ts";
import { refusal } from "./folder-source.ts";
import type { GitWorker } from "./worker.ts";

/** Time for one push: the objects of many merges. Milliseconds. */
const PUSH_MS = 30 * 60_000;
/** Bytes that a push prints. It prints nothing. */
const MAX_OUTPUT_BYTES = 4_096;

const WHY: Record<number, (branch: string) => string> = {
  81: (branch) => `${branch} is a link there: remove it`,
  82: (branch) => `${branch} is checked out there: switch to another branch`,
  83: () => "a branch hive is in the way: rename it",
  84: (branch) => `${branch} has commits there that the hive lacks: rename that branch`,
  85: () => "objects of its own branches are missing: git fsck there names them",
};

/**
 * Makes `hive/<base>` of a folder the commit of a repository, with every object that it needs. On stable storage when it
 * resolves. Safe to repeat. Throws `HiveError` with what to do if the folder does not allow it.
 */
export async function pushBase(
  git: GitWorker,
  { repo, upstream, base, sha }: { repo: string; upstream: FolderUpstream; base: string; sha: Sha },
  { signal, clean }: { signal: AbortSignal; clean: boolean },
): Promise<void> {
  const child = git.exported(upstream, { what: "push", repo, branch: base, sha, clean });
  const ended = await collect(child, { maxBytes: MAX_OUTPUT_BYTES, timeoutMs: PUSH_MS, signal });
  signal.throwIfAborted();
  if (ended.code === 0) return;
  const why = WHY[ended.code ?? 0]?.(HIVE_BRANCHES + base);
  if (why !== undefined) throw new HiveError("conflict", `${upstream.folder} cannot be written: ${why}`);
  if (ended.tooLong)
    throw new HiveError("unavailable", `writing ${upstream.folder} took longer than ${PUSH_MS / 60_000} minutes`);
  throw refusal(upstream.folder, ended.code, ended.stderr);
}
