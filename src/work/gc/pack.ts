import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { collect } from "../../os/run-bytes.ts";
import { GitError } from "../../os/git/git.ts";
import type { BranchRecord } from "../../store/repositories.ts";
import type { Sha } from "../../wire/approval.ts";
import type { GitWorker, Scratch } from "../git/worker.ts";

/** Time for packing 4 GiB on a slow disk. Milliseconds. */
const PACK_MS = 60 * 60_000;
/** Bytes of the list of roots that git answers with their types: a million lines. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;

/** Characters of the end of what git prints. */
const MAX_STDERR_CHARS = 4_000;

/** Objects and their bytes. */
export interface Amount {
  objects: number;
  bytes: number;
}

/**
 * Packs what the roots reach, then walks it in the new pack alone: every object is there. The list is on disk, because
 * the sandbox's memory is small.
 */
const PACK_SCRIPT = `
set -eu
cat > /repo/roots
git pack-objects --revs --delta-base-offset --progress /repo/objects/pack/pack < /repo/roots
rm /repo/objects/info/alternates
git rev-list --objects --quiet --stdin < /repo/roots
`;
const MEASURE_SCRIPT = `
set -eu
cat > /repo/roots
git rev-list --objects --no-object-names --stdin < /repo/roots | wc -l
git rev-list --objects --disk-usage --stdin < /repo/roots
`;

/** Those of `shas` that are in the repository. */
export async function existing(git: GitWorker, repo: string, shas: ReadonlySet<Sha>): Promise<Sha[]> {
  const out = await git.read(repo, ["cat-file", "--batch-check=%(objectname) %(objecttype)"], {
    input: lines(shas),
    maxBytes: MAX_LIST_BYTES,
  });
  return out
    .toString("latin1")
    .split("\n")
    .flatMap((line) => (line === "" || line.endsWith(" missing") ? [] : [line.slice(0, 40)]));
}

/** The branches whose commits the roots do not reach. */
export async function unreached(
  git: GitWorker,
  repo: string,
  branches: readonly BranchRecord[],
  roots: readonly Sha[],
): Promise<BranchRecord[]> {
  if (branches.length === 0) return [];
  const input = lines([...branches.map(({ sha }) => sha), ...roots.map((sha) => `^${sha}`)]);
  const out = await git.read(repo, ["rev-list", "--objects", "--no-object-names", "--stdin"], {
    input,
    maxBytes: MAX_LIST_BYTES,
  });
  const beyond = new Set(out.toString("latin1").split("\n"));
  return branches.filter(({ sha }) => beyond.has(sha));
}

/** What the roots reach. */
export async function amountOf(git: GitWorker, repo: string, roots: readonly Sha[]): Promise<Amount> {
  if (roots.length === 0) return { objects: 0, bytes: 0 };
  return git.withScratch(repo, {}, async (scratch) => {
    const ended = await collect(scratch.start(MEASURE_SCRIPT, []), {
      input: lines(roots),
      maxBytes: 1024,
      timeoutMs: PACK_MS,
    });
    const [objects = NaN, bytes = NaN] = ended.stdout.toString("latin1").trim().split("\n").map(Number);
    if (ended.code !== 0 || !Number.isFinite(objects + bytes)) throw failed("rev-list", ended);
    return { objects, bytes };
  });
}

/**
 * Makes one pack of all that the roots reach, in the scratch repository. Resolves with its hash, undefined without roots.
 * `report` gets git's progress.
 */
export async function packReachable(
  scratch: Scratch,
  roots: readonly Sha[],
  report: (words: string) => void,
): Promise<string | undefined> {
  if (roots.length === 0) return undefined;
  const child = scratch.start(PACK_SCRIPT, []);
  let stderr = "";
  child.stderr?.on("data", (text: unknown) => {
    // The progress is long, and a failure is at its end.
    stderr = (stderr + String(text)).slice(-MAX_STDERR_CHARS);
    const percent = /(?:Compressing|Writing) objects: +(\d+)%/.exec(String(text))?.[1];
    if (percent !== undefined) report(`packing ${percent}%`);
  });
  const ended = await collect(child, { input: lines(roots), maxBytes: 1024, timeoutMs: PACK_MS });
  if (ended.code !== 0) throw failed("pack-objects", { ...ended, stderr });
  const hash = ended.stdout.toString("latin1").trim();
  const made = await readdir(join(scratch.folder, "objects", "pack"));
  if (!made.includes(`pack-${hash}.pack`) || !made.includes(`pack-${hash}.idx`))
    throw new GitError(`git pack-objects has left ${made.join(", ") || "nothing"}, and not the pack ${hash}`);
  return hash;
}

const lines = (shas: Iterable<Sha>): string => [...shas, ""].join("\n");

/** The last line is the reason; those before it are progress. */
function failed(
  what: string,
  ended: { code: number | undefined; signal: string | undefined; tooLong: boolean; stderr: string },
): Error {
  const why = ended.tooLong
    ? "took too long"
    : (ended.stderr
        .trim()
        .split(/[\r\n]+/)
        .at(-1) ?? "");
  const code = /No space left on device|Disk quota exceeded/.test(ended.stderr) ? { code: "ENOSPC" } : {};
  return Object.assign(new GitError(`git ${what}: ${why} (exit ${ended.code ?? ended.signal})`), code);
}
