import { GitError } from "../../os/git/git.ts";
import { collect, killGroup, type Program } from "../../os/run-bytes.ts";
import { HiveError } from "../../wire/error.ts";
import type { Sha } from "../../wire/approval.ts";
import { BranchName, MAX_BASES } from "../../wire/work.ts";
import { TAGS } from "../repositories.ts";
import type { Upstream } from "../repo-record.ts";
import type { GitWorker } from "./worker.ts";

/** Bytes and objects of one repository. A larger one does not fit the time that a transfer may take. */
export const MAX_REPO_BYTES = 4 * 1024 ** 3;
export const MAX_REPO_OBJECTS = 1_000_000;
/** Branches and tags that a repository may have. */
export const MAX_REFS = 10_000;
/** Time for listing refs, and for one transfer. Milliseconds. */
const REFS_MS = 60_000;
const TRANSFER_MS = 60 * 60_000;
/** Bytes of a listing of that many refs with long names. */
const REFS_BYTES = MAX_REFS * 512;

/** Branches with their commits, as an upstream has them. */
export interface UpstreamRefs {
  /** The branch that its HEAD names. Undefined if it is detached. */
  head: string | undefined;
  /** Branches whose names the hive can have, with their commits. */
  heads: Map<string, Sha>;
  /** Tags of commits, with the object that each names: its commit, or its annotation. */
  tags: Map<string, Sha>;
  /** Branches that are left out, because of their names. */
  skipped: string[];
}

const WHY: Record<number, string> = {
  71: "it is not exported to the hive: run `hivectl repo add` (or `repo fetch`) as its owner, on this machine",
  72: "it is not a git repository",
  73: "it is a shallow clone: run `git fetch --unshallow` in it first",
  74: "it borrows objects from another repository: run `git repack -a -d` in it and remove objects/info/alternates",
  75: "it is a partial clone, so objects are missing: clone it again without --filter",
};

/** The reason for which a script on a folder has ended, from its exit code. */
export function refusal(upstream: Pick<Upstream, "folder">, code: number | undefined, said: string): Error {
  const why = code === undefined ? undefined : WHY[code];
  return why === undefined
    ? new GitError(`reading ${upstream.folder} failed (exit ${code ?? "by a signal"}): ${said.trim()}`)
    : new HiveError("bad_request", `${upstream.folder} cannot be read: ${why}`);
}

/** Lists the branches and tags of an upstream. */
export async function listUpstream(git: GitWorker, upstream: Upstream): Promise<UpstreamRefs> {
  const child = git.exported(upstream, { what: "refs" });
  const ended = await collect(child, { maxBytes: REFS_BYTES, timeoutMs: REFS_MS });
  if (ended.tooMuch) throw new HiveError("too_large", `${upstream.folder} has more than ${MAX_REFS} branches and tags`);
  if (ended.code !== 0) throw refusal(upstream, ended.code, ended.stderr);
  return parseRefs(upstream, ended.stdout.toString("utf8"));
}

/** Characters of a tag's name. */
const MAX_TAG_CHARS = 200;

/** True for the name of a tag that the hive takes: printable ASCII that git allows, and nothing that could be an option. */
function isTag(name: string): boolean {
  if (name.length > MAX_TAG_CHARS || !/^[A-Za-z0-9._+@=,#%!/-]+$/.test(name) || /\.\.|@\{/.test(name)) return false;
  return name.split("/").every((part) => /^[^.-]/.test(part) && !/\.(?:lock)?$/.test(part));
}

function parseRefs(upstream: Upstream, text: string): UpstreamRefs {
  const [head = "", ...lines] = text.split("\n");
  const refs: UpstreamRefs = {
    head: head.startsWith("refs/heads/") ? head.slice("refs/heads/".length) : undefined,
    heads: new Map(),
    tags: new Map(),
    skipped: [],
  };
  for (const line of lines) {
    const [sha = "", type = "", peeled = "", ref = ""] = line.split(" ");
    if (ref.startsWith(TAGS) && isTag(ref.slice(TAGS.length)) && (peeled || type) === "commit")
      refs.tags.set(ref.slice(TAGS.length), sha);
    if (!ref.startsWith("refs/heads/") || type !== "commit") continue;
    const name = ref.slice("refs/heads/".length);
    // The hive's own branches of an earlier push are not work of the upstream.
    if (name.startsWith("hive/")) continue;
    if (BranchName.safeParse(name).success) refs.heads.set(name, sha);
    else refs.skipped.push(name);
  }
  if (refs.heads.size + refs.tags.size > MAX_REFS)
    throw new HiveError("too_large", `${upstream.folder} has more than ${MAX_REFS} branches and tags`);
  return limited(refs);
}

/** At most `MAX_BASES` branches: the one of HEAD, then those with the first names. */
function limited(refs: UpstreamRefs): UpstreamRefs {
  if (refs.heads.size <= MAX_BASES) return refs;
  const ordered = [...refs.heads].sort(([a], [b]) => Number(b === refs.head) - Number(a === refs.head) || (a < b ? -1 : 1));
  return {
    ...refs,
    heads: new Map(ordered.slice(0, MAX_BASES)),
    skipped: [...refs.skipped, ...ordered.slice(MAX_BASES).map(([name]) => name)],
  };
}

/**
 * Copies the history of `wants` from an upstream into a repository of the hive, without a ref. The objects are checked
 * in the sandbox: their number and size, and that the history is whole. They are on stable storage when it resolves.
 * `report` gets the bytes so far.
 */
export async function copyHistory(
  git: GitWorker,
  repo: string,
  upstream: Upstream,
  { wants, haves }: { wants: readonly Sha[]; haves: readonly Sha[] },
  { signal, report }: { signal?: AbortSignal | undefined; report?: ((bytes: number) => void) | undefined } = {},
): Promise<void> {
  const ends = [...wants, ...haves.map((have) => `^${have}`)].join("\n");
  await git.withScratch(repo, {}, async (scratch) => {
    const reader = git.exported(upstream, { what: "pack" });
    const writer = scratch.start(`exec git index-pack --stdin --fix-thin --max-input-size=${MAX_REPO_BYTES} > /dev/null`, []);
    await pipe(upstream, reader, writer, ends, { signal, report });
    const whole = await scratch.run(["rev-list", "--objects", "--quiet", "--stdin"], { input: `${ends}\n` });
    if (whole.code !== 0)
      throw new HiveError("bad_request", `the history of ${upstream.folder} is not whole: ${whole.stderr.trim()}`);
    await scratch.keepObjects();
  });
}

/** Bytes before the number of objects in a pack, and with it. */
const PACK_COUNT_AT = 8;
const PACK_HEADER = 12;

async function pipe(
  upstream: Upstream,
  reader: Program,
  writer: Program,
  ends: string,
  { signal, report }: { signal?: AbortSignal | undefined; report?: ((bytes: number) => void) | undefined },
): Promise<void> {
  const children = [reader, writer];
  let complaint: Error | undefined;
  const end = (error: Error): void => {
    complaint ??= error;
    children.forEach(killGroup);
  };
  const timer = setTimeout(
    () => end(new HiveError("unavailable", `copying ${upstream.folder} took longer than ${TRANSFER_MS / 60_000} minutes`)),
    TRANSFER_MS,
  );
  const giveUp = (): void => end(new HiveError("unavailable", `copying ${upstream.folder} was given up`));
  signal?.addEventListener("abort", giveUp, { once: true });
  let bytes = 0;
  let head = Buffer.alloc(0);
  reader.stdout?.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (head.length < PACK_HEADER) head = Buffer.concat([head, chunk]).subarray(0, PACK_HEADER);
    if (head.length === PACK_HEADER && head.readUInt32BE(PACK_COUNT_AT) > MAX_REPO_OBJECTS)
      end(new HiveError("too_large", `${upstream.folder} has more than ${MAX_REPO_OBJECTS} objects`));
    if (bytes > MAX_REPO_BYTES) end(new HiveError("too_large", `${upstream.folder} has more than ${MAX_REPO_BYTES} bytes`));
    report?.(bytes);
  });
  if (writer.stdin) reader.stdout?.pipe(writer.stdin);
  // A process that ends early breaks its pipe; its exit gives the reason.
  writer.stdin?.on("error", () => {});
  reader.stdin?.on("error", () => {}); // As above.
  try {
    reader.stdin?.end(`${ends}\n`);
    const [read, wrote] = await Promise.all([outcome(reader), outcome(writer)]);
    if (complaint) throw complaint;
    if (read.code !== 0) throw refusal(upstream, read.code, read.said);
    if (wrote.code !== 0)
      throw new HiveError("bad_request", `git refuses the objects of ${upstream.folder}: ${wrote.said.trim()}`);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
    children.forEach(killGroup);
  }
}

/** Characters of error output that are kept. */
const MAX_SAID = 2_000;

async function outcome(child: Program): Promise<{ code: number | undefined; said: string }> {
  return new Promise((resolve) => {
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(0, MAX_SAID);
    });
    child.once("error", (error) => resolve({ code: undefined, said: error.message }));
    child.once("close", (code) => resolve({ code: code ?? undefined, said }));
  });
}
