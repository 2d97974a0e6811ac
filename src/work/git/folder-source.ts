import { GitError } from "../../os/git/git.ts";
import { collect, killGroup, type Program } from "../../os/run-bytes.ts";
import { HiveError } from "../../wire/error.ts";
import { TAGS } from "../repositories.ts";
import type { FolderUpstream } from "../repo-record.ts";
import type { HistorySource } from "./import.ts";
import { addBranch, isTag, limited, MAX_REFS, type UpstreamRefs } from "./upstream-refs.ts";
import type { GitWorker } from "./worker.ts";

/** Time for listing refs. Milliseconds. */
const REFS_MS = 60_000;
/** Bytes of a listing of that many refs with long names. */
const REFS_BYTES = MAX_REFS * 512;
/** Characters of error output that are kept. */
const MAX_SAID = 2_000;

const WHY: Record<number, string> = {
  71: "it is not exported to the hive: run `hivectl repo add` (or `repo fetch`) as its owner, on this machine",
  72: "it is not a git repository",
  73: "it is a shallow clone: run `git fetch --unshallow` in it first",
  74: "it borrows objects from another repository: run `git repack -a -d` in it and remove objects/info/alternates",
  75: "it is a partial clone, so objects are missing: clone it again without --filter",
};

/** The reason for which a script on a folder has ended, from its exit code. */
export function refusal(folder: string, code: number | undefined, said: string): Error {
  const why = code === undefined ? undefined : WHY[code];
  return why === undefined
    ? new GitError(`reading ${folder} failed (exit ${code ?? "by a signal"}): ${said.trim()}`)
    : new HiveError("bad_request", `${folder} cannot be read: ${why}`);
}

/** A folder of the host as a source of history. */
export function folderSource(git: GitWorker, upstream: FolderUpstream): HistorySource {
  const { folder } = upstream;
  return {
    where: folder,
    async list() {
      const child = git.exported(upstream, { what: "refs" });
      const ended = await collect(child, { maxBytes: REFS_BYTES, timeoutMs: REFS_MS });
      if (ended.tooMuch) throw new HiveError("too_large", `${folder} has more than ${MAX_REFS} branches and tags`);
      if (ended.code !== 0) throw refusal(folder, ended.code, ended.stderr);
      return parseRefs(folder, ended.stdout.toString("utf8"));
    },
    send({ wants, haves }) {
      const child = git.exported(upstream, { what: "pack" });
      if (!child.stdout) throw new Error("the program has no output");
      child.stdin?.on("error", () => {}); // A process that ends early breaks its pipe; its exit gives the reason.
      child.stdin?.end(`${[...wants, ...haves.map((have) => `^${have}`)].join("\n")}\n`);
      return { pack: child.stdout, ended: endOf(child, folder), end: () => killGroup(child) };
    },
  };
}

async function endOf(child: Program, folder: string): Promise<void> {
  const { code, said } = await outcome(child);
  if (code !== 0) throw refusal(folder, code, said);
}

/** How a program ended, with what it said. */
export async function outcome(child: Program): Promise<{ code: number | undefined; said: string }> {
  return new Promise((resolve) => {
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(0, MAX_SAID);
    });
    child.once("error", (error) => resolve({ code: undefined, said: error.message }));
    child.once("close", (code) => resolve({ code: code ?? undefined, said }));
  });
}

function parseRefs(folder: string, text: string): UpstreamRefs {
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
    if (ref.startsWith("refs/heads/") && type === "commit") addBranch(refs, ref.slice("refs/heads/".length), sha);
  }
  return limited(folder, refs);
}
