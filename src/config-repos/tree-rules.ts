import { MAX_CONFIG_BYTES, MAX_CONFIG_FILES } from "../wire/limits.ts";
import { unseenKind, written } from "../wire/unseen.ts";
import { RepoRefusal } from "./types.ts";

/** One entry of a tree, checked before its content is read. */
export interface TreeEntry {
  path: string;
  mode: string;
  bytes: number;
  /** The target of a symbolic link. */
  target?: string;
}

/** Bytes of one name: the limit of every Linux file system. */
const MAX_NAME_BYTES = 255;
/**
 * Bytes of one path, and its depth in folders: far below the kernel's 4096, so that it also fits below a state folder.
 */
const MAX_PATH_BYTES = 1024;
const MAX_DEPTH = 32;
/** Links that may be followed while resolving one link; the kernel follows 40. */
const MAX_HOPS = 40;

/** Maximum length of a path in a message. Characters. */
const MAX_SHOWN = 120;

const FILE_MODES = new Set(["100644", "100755", "120000"]);
/**
 * The rules for a config tree from any source: regular files and links that stay inside, paths that mean the same to
 * every program and every reader, within the limits. Throws `RepoRefusal` for the first violation.
 */
export function checkTree(entries: readonly TreeEntry[]): void {
  if (entries.length > MAX_CONFIG_FILES)
    throw new RepoRefusal(`the tree has more than ${MAX_CONFIG_FILES} files: a config is instructions and a few programs`);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  if (bytes > MAX_CONFIG_BYTES)
    throw new RepoRefusal(`the tree holds ${bytes} bytes; a config may have ${MAX_CONFIG_BYTES} altogether`);
  for (const entry of entries) {
    if (entry.mode === "160000")
      throw new RepoRefusal(`${shown(entry.path)} is a submodule: put its files into the tree instead`);
    if (!FILE_MODES.has(entry.mode))
      throw new RepoRefusal(`${shown(entry.path)} has the mode ${entry.mode}: only files (644, 755) and links are taken`);
    const wrong = pathComplaint(entry.path);
    if (wrong !== undefined) throw new RepoRefusal(`the path ${shown(entry.path)} ${wrong}`);
  }
  checkCollisions(entries);
  checkLinks(entries);
}

/** What is wrong with a path, in words that follow it; undefined if it is valid. */
export function pathComplaint(path: string): string | undefined {
  if (path === "") return "is empty";
  if (path.includes("\ufffd")) return "is not valid UTF-8";
  if (Array.from(path).some(isUnseen)) return "has control or invisible characters";
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `is longer than ${MAX_PATH_BYTES} bytes`;
  const names = path.split("/");
  if (names.length > MAX_DEPTH) return `is deeper than ${MAX_DEPTH} folders`;
  for (const name of names) {
    if (name === "" || name === "." || name === "..") return "has an empty name, `.` or `..` in it";
    if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `has a name longer than ${MAX_NAME_BYTES} bytes`;
    if (isGitLike(name)) return "is `.git`, or would be on some file system";
  }
  if (names.length === 1 && names[0]?.toLowerCase() === ".gitmodules") return "declares submodules, which are not taken";
  return undefined;
}

/** `.git` in any case, with trailing dots, spaces or streams, and its short name, as some file systems read it. */
function isGitLike(name: string): boolean {
  const plain = name
    .normalize("NFKC")
    .toLowerCase()
    .replace(/:.*$/, "")
    .replace(/[. ]+$/, "");
  const backslashed = plain.split("\\");
  return backslashed.some((part) => part === ".git" || part === "git~1");
}

/** Refuses two paths that are equal where case or composition is ignored, including folders. */
function checkCollisions(entries: readonly TreeEntry[]): void {
  const seen = new Map<string, string>();
  for (const { path } of entries) {
    const names = path.split("/");
    for (let depth = 1; depth <= names.length; depth++) {
      const own = names.slice(0, depth).join("/");
      const folded = own.normalize("NFKC").toLowerCase().toUpperCase().normalize("NFKC");
      const other = seen.get(folded);
      if (other !== undefined && other !== own)
        throw new RepoRefusal(`${shown(other)} and ${shown(own)} are one path where case does not count`);
      seen.set(folded, own);
    }
  }
  const files = new Set<string>();
  for (const { path } of entries) {
    if (files.has(path)) throw new RepoRefusal(`${shown(path)} is there twice`);
    files.add(path);
  }
  for (const { path } of entries) {
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      if (files.has(path.slice(0, at))) throw new RepoRefusal(`${shown(path.slice(0, at))} is a file and a folder`);
    }
  }
}

/** Every link must stay in the tree, resolved as the kernel would, through other links of the tree. */
function checkLinks(entries: readonly TreeEntry[]): void {
  const links = new Map<string, string>();
  for (const { path, mode, target } of entries) if (mode === "120000") links.set(path, target ?? "");
  for (const [path, target] of links) {
    const where = walk(path, links);
    if (where !== "inside") throw new RepoRefusal(`the link ${shown(path)} → ${shown(target)} ${where}`);
  }
}

function walk(path: string, links: ReadonlyMap<string, string>): string {
  let at: string[] = [];
  let rest = path.split("/");
  for (let hops = 0; rest.length > 0;) {
    const [name = "", ...after] = rest;
    rest = after;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (at.length === 0) return "leaves the tree";
      at = at.slice(0, -1);
      continue;
    }
    const here = [...at, name].join("/");
    const target = links.get(here);
    if (target === undefined) {
      at = [...at, name];
      continue;
    }
    hops += 1;
    if (hops > MAX_HOPS) return "leads round in a circle";
    if (target === "" || target.includes("\0") || target.includes("\ufffd")) return "has no target that can be read";
    if (target.startsWith("/")) return "leaves the tree";
    rest = [...target.split("/"), ...rest];
  }
  return "inside";
}

/** A path in a message: quoted, with unseen characters written out, truncated to a line. */
export function shown(path: string): string {
  const characters = Array.from(path);
  const parts = characters.slice(0, MAX_SHOWN).map((one) => (isUnseen(one) ? written(one) : one));
  return `"${parts.join("")}${characters.length > MAX_SHOWN ? "…" : ""}"`;
}

/** In a path, tabs and newlines also count as unseen. */
function isUnseen(character: string): boolean {
  return unseenKind(character) !== undefined || /[\t\n\r]/.test(character);
}
