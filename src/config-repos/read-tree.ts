import { tryGit } from "../os/git/git.ts";
import type { Sha, TreeFile } from "../wire/approval.ts";
import { MAX_CONFIG_BYTES, MAX_CONFIG_FILES } from "../wire/limits.ts";
import { readObjects } from "./store.ts";
import { checkTree, type TreeEntry } from "./tree-rules.ts";
import { RepoRefusal } from "./types.ts";

/**
 * Bytes of a listing that are read. Five hundred paths of full length fit. A tree that contains itself a million times
 * is small in the store and endless when listed, so the listing is stopped here.
 */
const MAX_LISTING_BYTES = 2 * 1024 * 1024;
/** Timeout of one listing. Milliseconds. */
const LISTING_MS = 20_000;
/** Bytes of a link: it contains a path. */
const MAX_LINK_BYTES = 4096;

interface Listed extends TreeEntry {
  sha: Sha;
}

/** The files of a tree, checked with `checkTree`. `env` may name a quarantine. Throws `RepoRefusal`. */
export async function readTree(gitDir: string, treeish: Sha, env?: Record<string, string>): Promise<TreeFile[]> {
  const listed = await list(gitDir, treeish, env);
  // Check the listing first, so that nothing large is read. Then check again with the targets of the links.
  checkTree(listed.map((entry) => (entry.mode === "120000" ? { ...entry, mode: "100644" } : entry)));
  const shas = [...new Set(listed.map(({ sha }) => sha))];
  const read = await readObjects(gitDir, shas, { maxBytes: 2 * MAX_CONFIG_BYTES, ...(env ? { env } : {}) });
  const bodies = new Map(shas.map((sha, index) => [sha, read[index]?.body]));
  const files = listed.map((entry) => {
    const body = bodies.get(entry.sha);
    if (body === undefined) throw new RepoRefusal(`the content of ${entry.path} is missing`);
    return { entry, body };
  });
  checkTree(files.map(({ entry, body }) => (entry.mode === "120000" ? { ...entry, target: body.toString("utf8") } : entry)));
  return files.map(({ entry, body }) => ({
    path: entry.path,
    mode: entry.mode as TreeFile["mode"],
    base64: body.toString("base64"),
  }));
}

/** The entries of a tree, recursively. Folders count, too: a tree of empty folders has no file and no end. */
async function list(gitDir: string, treeish: Sha, env?: Record<string, string>): Promise<Listed[]> {
  const ended = await tryGit(gitDir, ["ls-tree", "-r", "-t", "-z", "-l", "--full-tree", "--end-of-options", treeish], {
    maxBytes: MAX_LISTING_BYTES,
    timeoutMs: LISTING_MS,
    ...(env ? { env } : {}),
  });
  if (ended.tooMuch || ended.tooLong)
    throw new RepoRefusal(`the tree has more than ${MAX_CONFIG_FILES} files: a config is instructions and a few programs`);
  if (ended.code !== 0) throw new RepoRefusal(`the tree cannot be listed: ${ended.stderr.trim() || ended.signal}`);
  const entries: Listed[] = [];
  let folders = 0;
  for (const record of ended.stdout.toString("utf8").split("\0")) {
    const match = /^(\d{6}) (\w+) ([0-9a-f]{40}) +(\d+|-|BAD)\t([^]*)$/.exec(record);
    if (!match) continue;
    const [, mode = "", kind = "", sha = "", size = "", path = ""] = match;
    if (kind === "tree") folders += 1;
    else if (size === "BAD") throw new RepoRefusal(`the content of ${path} is missing`);
    else entries.push({ path, mode, sha, bytes: size === "-" ? 0 : Number(size) });
    if (mode === "120000" && Number(size) > MAX_LINK_BYTES)
      throw new RepoRefusal(`the link ${path} is longer than a path can be`);
  }
  if (folders > MAX_CONFIG_FILES) throw new RepoRefusal(`the tree has more than ${MAX_CONFIG_FILES} folders`);
  return entries;
}
