import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../../os/run.ts";
import type { AssignedRepo, RepoRef } from "../../wire/harness.ts";

/** Time for one git command of a clone: the checkout of a large tree on a slow disk. Milliseconds. */
const GIT_MS = 15 * 60_000;
/** Processes that write the files of a checkout: more do not make a disk faster, and each counts in the cage's limits. */
const MAX_CHECKOUT_WORKERS = 4;
/** Characters of git's complaint in a reason. */
const MAX_COMPLAINT_CHARS = 600;
/** Bases that a reason names. */
const MAX_NAMED = 10;

export interface ClonePlace {
  /** The branches and tags of the repository. */
  refs: readonly RepoRef[];
  /** Where the clone will be. */
  folder: string;
  /** Where it is made. On the same file system. */
  scratch: string;
  /** The object folder of the repository, which the clone borrows. */
  objects: string;
  /** The environment of git. */
  env: Record<string, string>;
}

/**
 * Makes a clone that borrows every object of the repository, so that nothing is copied but the files of the base. It
 * appears whole or not at all. Throws an Error with the reason.
 */
export async function makeClone(
  { name, base }: AssignedRepo,
  { refs, folder, scratch, objects, env }: ClonePlace,
): Promise<void> {
  const heads = refs.flatMap((ref) => (ref.name.startsWith(HEADS) ? [ref.name.slice(HEADS.length)] : []));
  if (heads.length > 0 && !heads.includes(base))
    throw new Error(`${name} has no branch ${base}: it has ${heads.slice(0, MAX_NAMED).join(", ")}`);
  const git = async (...argv: string[]): Promise<void> => {
    const ended = await run("git", argv, { env, cwd: scratch, timeoutMs: GIT_MS });
    if (ended.code === 0) return;
    throw new Error(`git ${argv[0] ?? ""}: ${(ended.stderr.trim() || "it took too long").slice(-MAX_COMPLAINT_CHARS)}`);
  };
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  try {
    writeRepository(join(scratch, ".git"), {
      HEAD: `ref: ${HEADS}${base}\n`,
      config: `${CORE}[remote "origin"]\n\turl = hive:${name}\n\tfetch = +${HEADS}*:${ORIGIN}*\n`,
      "objects/info/alternates": `${objects}\n`,
      // As git packs them: one file for each of many branches would take long.
      "packed-refs": packed(refs),
      // An empty repository has nothing to check out: the first commit begins the base.
      ...(heads.length > 0 && { [`${ORIGIN}HEAD`]: `ref: ${ORIGIN}${base}\n` }),
    });
    if (heads.length > 0)
      await git("-c", `checkout.workers=${checkoutWorkers()}`, "checkout", "-q", "-B", base, "--track", `origin/${base}`);
    await mkdir(dirname(folder), { recursive: true });
    await rename(scratch, folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Git starts them only for a checkout of at least a hundred files. */
const checkoutWorkers = (): number => Math.min(availableParallelism(), MAX_CHECKOUT_WORKERS);

const HEADS = "refs/heads/";
const ORIGIN = "refs/remotes/origin/";
/** What `git init` writes on a file system with modes. The format is that of `packed-refs`, whatever git's default is. */
const CORE = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n";

/**
 * Writes a repository without a commit, as `git init` makes it: no process, and all files before the first is flushed,
 * so that one commit of the file system's journal has them all. The clone appears with a rename and has to be whole
 * then, also after a power failure.
 */
function writeRepository(folder: string, files: Record<string, string>): void {
  for (const part of ["objects/info", "objects/pack", "refs/heads", "refs/tags"])
    mkdirSync(join(folder, part), { recursive: true });
  const written = Object.entries(files).map(([path, text]) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  });
  for (const file of written) {
    const descriptor = openSync(file, "r+");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}

/** The content of `packed-refs`: branches as those of the remote, and tags. */
function packed(refs: readonly RepoRef[]): string {
  const lines = refs.map(({ name, sha }) => `${sha} ${name.startsWith(HEADS) ? ORIGIN + name.slice(HEADS.length) : name}\n`);
  // Git sorts by bytes.
  return lines.sort((a, b) => Buffer.compare(Buffer.from(a.slice(41)), Buffer.from(b.slice(41)))).join("");
}

/** The refs of a repository, which come page by page. */
export async function allRefs(
  read: (after: string | undefined) => Promise<{ refs: RepoRef[]; more?: boolean | undefined }>,
): Promise<RepoRef[]> {
  const all: RepoRef[] = [];
  for (;;) {
    const { refs, more } = await read(all.at(-1)?.name);
    for (const ref of refs) all.push(ref);
    if (more !== true) return all;
  }
}

/** True if a clone was made here. Throws an Error if something else is in its place. */
export function isCloned(folder: string): boolean {
  if (!existsSync(folder)) return false;
  if (existsSync(join(folder, ".git"))) return true;
  throw new Error(`${folder} is there and is no git repository: move it away`);
}
