import { posix } from "node:path";
import type { Sha, TreeFile } from "../wire/approval.ts";
import type { AgentConfig } from "../wire/config.ts";
import { MAX_INSTRUCTIONS_BYTES } from "../wire/config-limits.ts";
import { HiveError } from "../wire/error.ts";
import { MAX_CONFIG_BYTES, MAX_CONFIG_FILES } from "../wire/limits.ts";
import { writtenOut } from "../wire/unseen.ts";
import { plainFrontMatter } from "./front-matter.ts";
import type { GitWorker } from "./git/worker.ts";
import type { Repositories } from "./repositories.ts";

/** What a repository tells those who work on it. Hooks, settings, servers and agents of the same folder are not read. */
const MEMORY = ["CLAUDE.md", ".claude/CLAUDE.md"];
const SKILLS = ".claude/skills/";
const COMMANDS = ".claude/commands/";
/** Time for one git command, and bytes of a list. */
const GIT_MS = 20_000;
const LIST_BYTES = 2 * 1024 * 1024;
/** Bytes of a link: it contains a path. */
const MAX_LINK_BYTES = 4096;
const LINK = "120000";
const FILE_MODES: readonly string[] = ["100644", "100755"];

/** The instructions of the repositories that a config follows: where they were read, and the files by repository. */
export interface ProjectRead {
  from: Record<string, Sha>;
  /** Under a folder for each repository, as a plugin of the CLI has them, with the CLAUDE.md beside. */
  files: TreeFile[];
}

interface Entry {
  mode: string;
  sha: Sha;
  bytes: number;
  path: string;
}

/**
 * Reads what a config follows, from the tips of its bases. A base without a commit has nothing. Throws `bad_request`
 * with the reason if something cannot be taken as it is.
 */
export async function readProject(
  repos: AgentConfig["repos"],
  repositories: Pick<Repositories, "find" | "tip">,
  git: GitWorker,
): Promise<ProjectRead> {
  const read: ProjectRead = { from: {}, files: [] };
  for (const { name, base } of repos.filter(({ project }) => project === true)) {
    const tip = repositories.tip(name, base ?? repositories.find(name)?.settings.base ?? "");
    if (tip === undefined) continue;
    read.from[name] = tip;
    read.files = read.files.concat(await filesOf(git, name, tip));
  }
  return read;
}

async function filesOf(git: GitWorker, repo: string, sha: Sha): Promise<TreeFile[]> {
  const refuse = (words: string): HiveError =>
    new HiveError("bad_request", `the project instructions of ${repo} at ${sha.slice(0, 12)} cannot be taken: ${words}`);
  const listed = await list(git, repo, sha, [...MEMORY, SKILLS, COMMANDS]);
  const entries = listed.filter(({ mode, path }) => {
    const isTaken = FILE_MODES.includes(mode) || mode === LINK;
    return isTaken && (!path.startsWith(COMMANDS) || path.endsWith(".md"));
  });
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  if (entries.length > MAX_CONFIG_FILES || bytes > MAX_CONFIG_BYTES)
    throw refuse(
      `they are ${entries.length} files of ${bytes} bytes; ${MAX_CONFIG_FILES} files of ${MAX_CONFIG_BYTES} bytes fit`,
    );
  const followed = await Promise.all(entries.map(async (entry) => ({ ...(await follow(entry)), path: entry.path })));
  const total = followed.reduce((sum, entry) => sum + entry.bytes, 0);
  if (total > MAX_CONFIG_BYTES) throw refuse(`they are ${total} bytes; ${MAX_CONFIG_BYTES} fit`);
  const bodies = await blobs(git, repo, followed);
  const memory = followed.filter(({ path }) => MEMORY.includes(path)).reduce((sum, entry) => sum + entry.bytes, 0);
  if (memory > MAX_INSTRUCTIONS_BYTES)
    throw refuse(`CLAUDE.md has ${memory} bytes; ${MAX_INSTRUCTIONS_BYTES} fit into a system prompt`);
  return followed.map(({ path, mode }, at): TreeFile => {
    const body = plain(path, bodies[at] ?? Buffer.alloc(0), (words) => refuse(`${writtenOut(path)} ${words}`));
    const place = path.startsWith(SKILLS) || path.startsWith(COMMANDS) ? path.slice(".claude/".length) : path;
    return { path: `${repo}/${place}`, mode: mode === "100755" ? mode : "100644", base64: body.toString("base64") };
  });

  /** The file that a link names, in the same commit. */
  async function follow(entry: Entry): Promise<Entry> {
    if (entry.mode !== LINK) return entry;
    const [target = Buffer.alloc(0)] = entry.bytes <= MAX_LINK_BYTES ? await blobs(git, repo, [entry]) : [];
    const path = posix.normalize(posix.join(posix.dirname(entry.path), target.toString("utf8")));
    const isOutside = target.length === 0 || target.toString("latin1").startsWith("/") || path.startsWith("..");
    const [found] = isOutside ? [] : await list(git, repo, sha, [path]);
    if (found?.path !== path || !FILE_MODES.includes(found.mode))
      throw refuse(`the link ${writtenOut(entry.path)} names no file of the repository`);
    return found;
  }
}

/** A file as an agent gets it: what is read as instructions is text, with a plain front matter. */
function plain(path: string, body: Buffer, refuse: (words: string) => HiveError): Buffer {
  const skill = /^\.claude\/skills\/([^/]+)\/SKILL\.md$/.exec(path)?.[1];
  if (!MEMORY.includes(path) && skill === undefined && !path.startsWith(COMMANDS)) return body;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw refuse("is not text in UTF-8");
  }
  return MEMORY.includes(path) ? body : Buffer.from(plainFrontMatter(text, skill));
}

/** The files of a commit under these paths. */
async function list(git: GitWorker, repo: string, sha: Sha, paths: readonly string[]): Promise<Entry[]> {
  const argv = ["ls-tree", "-r", "-z", "-l", "--full-tree", sha, "--", ...paths];
  const out = await git.read(repo, argv, {
    maxBytes: LIST_BYTES,
    timeoutMs: GIT_MS,
    env: { GIT_LITERAL_PATHSPECS: "1" },
  });
  return out
    .toString("utf8")
    .split("\0")
    .flatMap((record) => {
      const [, mode = "", found = "", bytes = "", path = ""] = /^(\d{6}) blob ([0-9a-f]{40}) +(\d+)\t([^]*)$/.exec(record) ?? [];
      return path === "" ? [] : [{ mode, sha: found, bytes: Number(bytes), path }];
    });
}

/** The contents of files, in their order. */
async function blobs(git: GitWorker, repo: string, entries: readonly Entry[]): Promise<Buffer[]> {
  if (entries.length === 0) return [];
  const input = entries.map(({ sha }) => `${sha}\n`).join("");
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const out = await git.read(repo, ["cat-file", "--batch"], { input, timeoutMs: GIT_MS, maxBytes: bytes + LIST_BYTES });
  let at = 0;
  return entries.map((entry) => {
    const start = out.indexOf("\n", at) + 1;
    at = start + entry.bytes + 1;
    return out.subarray(start, start + entry.bytes);
  });
}
