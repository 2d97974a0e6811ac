import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ChildProcess } from "node:child_process";
import { GIT_ENV, git, gitCommand, tryGit } from "../os/git/git.ts";
import { startChild } from "../os/run.ts";
import { killGroup } from "../os/run-bytes.ts";
import type { SandboxedRun } from "../os/sandboxed-run.ts";
import { Sha } from "../wire/approval.ts";
import { schemaComplaint } from "../wire/error.ts";
import { writeSkeleton } from "../os/git/folders.ts";
import { moveObjects } from "../os/git/move-objects.ts";
import { readTree } from "./read-tree.ts";
import { listRefs } from "../os/git/refs.ts";
import { RepoRefusal, type ProposedRepo } from "./types.ts";

/** Limits of one proposal. */
export interface FetchLimits {
  /** New objects: a config with its history, not a software project. */
  objects: number;
  /** Bytes of one object. A config cannot contain a larger one. */
  objectBytes: number;
  /** Bytes of all objects together, unpacked. */
  totalBytes: number;
  /** Milliseconds for the whole fetch. */
  timeMs: number;
}
export const FETCH_LIMITS: FetchLimits = {
  objects: 10_000,
  objectBytes: 2 * 1024 * 1024,
  totalBytes: 64 * 1024 * 1024,
  timeMs: 30_000,
};

/**
 * What git needs to walk ten thousand objects of two megabytes, with a margin; stops decompression bombs. Bytes,
 * seconds.
 */
const MEMORY_BYTES = 1024 * 1024 * 1024;
const CPU_SECONDS = 20;
/** A pack contains zlib data, which expands incompressible content by less than this. */
const PACK_OVERHEAD = 1024 * 1024;
/** Commits of ours that the proposal need not send, newest last. */
const MAX_HAVES = 1000;

/**
 * Runs in the cage, with the foreign repository at /repo. Git uses an empty repository of its own and the foreign
 * object folder, so it never reads a foreign config, ref, hook, attribute, graft or shallow file. Standard input: our
 * commits. Standard output: a pack. The exit code gives the reason for a failure.
 */
const SCRIPT = `
set -eu
sha=$1 inode=$2 objects=$3 object_bytes=$4 total_bytes=$5
[ "$(stat -c %d:%i /repo)" = "$inode" ] || exit 71
[ -d /repo/.git ] && [ ! -L /repo/.git ] || exit 72
mkdir -p /tmp/git/refs
echo 'ref: refs/heads/none' > /tmp/git/HEAD
# Files in /tmp are bounded: the list of objects is the longest.
ulimit -f $(( objects * 41 / 512 + 64 ))
type=$(git cat-file -t "$sha" 2>/dev/null) || exit 73
[ "$type" = commit ] || exit 74
git cat-file --batch-check='%(objecttype) %(objectname)' > /tmp/haves || exit 75
{
  echo "$sha"
  while read -r type have rest; do [ "$type" != commit ] || echo "^$have"; done < /tmp/haves
} > /tmp/ends
code=0
git rev-list --objects --no-object-names --stdin < /tmp/ends > /tmp/list || code=$?
[ "$code" -ne 153 ] || exit 76
[ "$code" -eq 0 ] || exit 75
git cat-file --batch-check='%(objectsize)' < /tmp/list > /tmp/sizes || exit 75
count=0 total=0
while read -r size; do
  case $size in *[!0-9]*) exit 75 ;; esac
  count=$((count + 1)) total=$((total + size))
  [ "$size" -le "$object_bytes" ] || { echo "$size" >&2; exit 77; }
done < /tmp/sizes
[ "$count" -le "$objects" ] || exit 76
[ "$total" -le "$total_bytes" ] || { echo "$total" >&2; exit 78; }
exec git pack-objects --stdout -q --window=0 --no-reuse-delta --threads=1 < /tmp/list
`;
const SETTINGS = ["core.commitGraph=false", "core.multiPackIndex=false", "pack.useBitmaps=false", "core.packedGitLimit=256m"];

/** The refusal for an exit code of the script. */
function refusalOf(code: number | undefined, said: string, sha: Sha, limits: FetchLimits): RepoRefusal | undefined {
  const words: Record<number, string> = {
    71: "the folder of the proposal was exchanged while it was read: propose again",
    72: "`.git` of the proposal is not a folder: links and `.git` files are not followed. Make it a plain repository",
    73: `the commit ${sha} is not in the proposed repository: commit it there first`,
    74: `${sha} is not a commit`,
    75: `the history of ${sha} is not whole: objects are missing or broken (a shallow or partial clone, or borrowed objects). ${said}`,
    76: `the history of ${sha} brings more than ${limits.objects} new objects`,
    77: `the history of ${sha} holds an object of ${said} bytes; one may have ${limits.objectBytes}. Remove the file from the history, not only from the tree`,
    78: `the history of ${sha} brings ${said} bytes; ${limits.totalBytes} are allowed`,
  };
  const text = code === undefined ? undefined : words[code];
  return text === undefined ? undefined : new RepoRefusal(text.trim());
}

/**
 * Copies one commit of a hostile repository, with its history, into our object store, without a ref. The objects are
 * checked in a quarantine: size and count, git's own check of every object and link (`--strict`), a complete history,
 * and the rules for the tree. Only then they are moved in and on stable storage.
 */
export async function safeFetch(fetch: {
  into: string;
  from: ProposedRepo;
  sha: Sha;
  scratch: string;
  sandboxedRun: SandboxedRun;
  limits?: FetchLimits;
}): Promise<void> {
  const { into, from, scratch, limits = FETCH_LIMITS } = fetch;
  const named = Sha.safeParse(fetch.sha);
  if (!named.success) throw new RepoRefusal(schemaComplaint(named.error));
  const sha = named.data;
  const quarantine = join(scratch, randomUUID());
  await writeSkeleton(quarantine, true);
  try {
    const haves = [...new Set((await listRefs(into)).values())].slice(-MAX_HAVES);
    const inode = await inodeOf(from.folder);
    // A list separated by colons, so the path is quoted.
    const borrowed = join(into, "objects").replaceAll(/["\\]/g, "\\$&");
    const env = { GIT_ALTERNATE_OBJECT_DIRECTORIES: `"${borrowed}"` };
    await receive(fetch.sandboxedRun, quarantine, env, from, [sha, inode], haves, limits);
    await checkWhole(quarantine, env, sha, haves);
    await readTree(quarantine, sha, env);
    await moveObjects(join(quarantine, "objects"), join(into, "objects"));
  } finally {
    await rm(quarantine, { recursive: true, force: true });
  }
}

/**
 * Identifies the intended folder. If each agent has a uid, the folders above are ours. If all share a uid, the manager
 * could replace them with a link between our check and the bind, so the cage compares its folder with this value.
 */
async function inodeOf(folder: string): Promise<string> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  const names = folder.split("/");
  // The manager may be able to write in the last two folders, <name>/config.
  const [config = "", agent = ""] = [names.pop(), names.pop()];
  const open1 = async (path: string): Promise<Awaited<ReturnType<typeof open>>> => {
    try {
      return await open(path, flags);
    } catch (error) {
      throw new RepoRefusal(`there is no proposed repository at ${agent}/${config}, or it is a link`, { cause: error });
    }
  };
  const top = await open1(names.join("/"));
  try {
    const middle = await open1(`/proc/self/fd/${top.fd}/${agent}`);
    try {
      const last = await open1(`/proc/self/fd/${middle.fd}/${config}`);
      try {
        const { dev, ino } = await last.stat({ bigint: true });
        return `${dev}:${ino}`;
      } finally {
        await last.close();
      }
    } finally {
      await middle.close();
    }
  } finally {
    await top.close();
  }
}

/** Streams the pack from the cage into the quarantine, with limits on both sides. */
async function receive(
  sandboxedRun: SandboxedRun,
  quarantine: string,
  env: Record<string, string>,
  from: ProposedRepo,
  [sha, inode]: [Sha, string],
  haves: readonly Sha[],
  limits: FetchLimits,
): Promise<void> {
  const cage = sandboxedRun({
    folder: from.folder,
    owner: from.owner,
    script: SCRIPT,
    args: [sha, inode, String(limits.objects), String(limits.objectBytes), String(limits.totalBytes)],
    env: {
      ...GIT_ENV,
      GIT_DIR: "/tmp/git",
      GIT_OBJECT_DIRECTORY: "/repo/.git/objects",
      GIT_CONFIG_COUNT: String(SETTINGS.length),
      ...Object.fromEntries(
        SETTINGS.flatMap((setting, index) => {
          const [key = "", value = ""] = setting.split("=");
          return [
            [`GIT_CONFIG_KEY_${index}`, key],
            [`GIT_CONFIG_VALUE_${index}`, value],
          ];
        }),
      ),
    },
    memoryBytes: MEMORY_BYTES,
    cpuSeconds: CPU_SECONDS,
  });
  const maxPack = limits.totalBytes + PACK_OVERHEAD;
  // Not flushed here: a refused object need not last, and an accepted one is flushed when it is moved in.
  const [program, argv] = gitCommand(quarantine, [
    "-c",
    "core.fsync=none",
    "unpack-objects",
    "-q",
    "--strict",
    `--max-input-size=${maxPack}`,
  ]);
  // If git in the cage is compromised, these limits bound the damage of its stream.
  const bounds = [`--as=${MEMORY_BYTES}`, `--cpu=${CPU_SECONDS}`, `--fsize=${maxPack}`, "--core=0"];
  const store = startChild("prlimit", [...bounds, program, ...argv], { env: { ...GIT_ENV, ...env }, cwd: "/" });
  const children = [cage, store];
  let tooLong = false;
  const timer = setTimeout(() => {
    tooLong = true;
    children.forEach(killGroup);
  }, limits.timeMs);
  try {
    const [sent, kept] = [outcome(cage), outcome(store)];
    let bytes = 0;
    let head = Buffer.alloc(0);
    let complaint: RepoRefusal | undefined;
    cage.stdout?.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (head.length < 12) head = Buffer.concat([head, chunk]).subarray(0, 12);
      const count = head.length === 12 ? head.readUInt32BE(8) : 0;
      if (bytes > maxPack || count > limits.objects) {
        complaint ??= new RepoRefusal(`the proposal brings more than was announced: ${count} objects, ${bytes} bytes and more`);
        children.forEach(killGroup);
      }
    });
    cage.stdout?.pipe(store.stdin ?? process.stdout);
    // A process that ends early breaks its pipe; its exit gives the reason.
    store.stdin?.on("error", () => {});
    cage.stdin?.on("error", () => {}); // As above.
    cage.stdin?.end(haves.map((have) => `${have}\n`).join(""));
    const [from_, into] = await Promise.all([sent, kept]);
    if (complaint) throw complaint;
    if (tooLong) throw new RepoRefusal(`the proposal took longer than ${limits.timeMs / 1000} s to read`);
    if (from_.code !== 0) {
      const refusal = refusalOf(from_.code, from_.said, sha, limits);
      if (refusal) throw refusal;
      if (from_.ours) throw new Error(`the cage for reading a proposal could not be built: ${from_.said}`);
      throw new RepoRefusal(`git gave up on the proposal (${from_.how}): ${from_.said}`);
    }
    if (into.code !== 0) throw new RepoRefusal(`git's own check refuses the proposal: ${into.said || into.how}`);
  } finally {
    clearTimeout(timer);
    children.forEach(killGroup);
  }
}

interface Outcome {
  code: number | undefined;
  how: string;
  said: string;
  /** It failed before it read anything foreign. */
  ours: boolean;
}

/** Characters of error output that are kept. */
const MAX_SAID = 2000;

async function outcome(child: ChildProcess): Promise<Outcome> {
  return new Promise((resolve) => {
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(0, MAX_SAID);
    });
    child.once("error", (error) => resolve({ code: undefined, how: error.message, said: error.message, ours: true }));
    child.once("close", (code, signal) => {
      const ours = /^(?:bwrap|unshare|setpriv|mount|hive-once):/m.test(said);
      resolve({ code: code ?? undefined, how: signal ?? `exit ${code}`, said: said.trim(), ours });
    });
  });
}

/** Checks that the whole history is present: the new objects and those that they build on. */
async function checkWhole(gitDir: string, env: Record<string, string>, sha: Sha, haves: readonly Sha[]): Promise<void> {
  const input = [sha, ...haves.map((have) => `^${have}`)].join("\n");
  const ended = await tryGit(gitDir, ["rev-list", "--objects", "--quiet", "--stdin"], { env, input: `${input}\n` });
  if (ended.code !== 0) throw new RepoRefusal(`the history of ${sha} is not whole: ${ended.stderr.trim()}`);
  await git(gitDir, ["cat-file", "-e", `${sha}^{commit}`], { env });
}
