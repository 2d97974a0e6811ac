import type { FileChange } from "../config-repos/types.ts";
import type { DiffFile, TreeFile } from "../wire/approval.ts";
import type { AgentConfig } from "../wire/config.ts";
import { PROJECTS } from "../wire/config-repos.ts";
import { jsonBytes } from "../lib/json-bytes.ts";
import { addsText, patchText, wholeLines } from "../diffs/patch-text.ts";
import { CONFIG_FILE } from "../agents/agent-json.ts";
import { byPath, configOf, INSTRUCTIONS_FILE } from "./tree.ts";

/** The maximum JSON bytes of all patches of an answer. A config of full size with what it replaces takes less. */
export const SHOWN_BYTES = 4 * 1024 * 1024;
/** The maximum JSON bytes of one file of rank `other`: 2,000 full lines, more than a person reads of a note. */
export const SHOWN_BYTES_PER_FILE = 128 * 1024;

/**
 * Files of these kinds can run even if they are not executable, because an interpreter or another program reads them.
 */
const PROGRAM = /\.(?:[cm]?[jt]sx?|py|sh|bash|zsh|fish|rb|pl|php|lua|go|rs|c|wasm|so|node)$|(?:^|\/)package\.json$/i;
const SHEBANG = "#!";
/** The base64 characters that contain a shebang. */
const SHEBANG_CHARS = 4;

/**
 * The order in which files are shown. Files that decide what an agent is told or may do come first, with a whole patch.
 */
type Rank = "config" | "instructions" | "program" | "nix" | "other";
const ORDER: readonly Rank[] = ["config", "instructions", "program", "nix", "other"];

/**
 * The changes as the operator sees them, the same everywhere. Files that decide come first and whole. Every other file
 * has its own budget. `isUnshown` tells which files are not shown whole as text. Pure.
 */
export function shownDiff(changes: readonly FileChange[], head: readonly TreeFile[], evaluatesNix: boolean): DiffFile[] {
  const tree = byPath(head);
  const words = serverWords(configOf(tree).config);
  const ranked = changes.map((change) => ({ change, rank: rankOf(change, tree.get(change.path), words) }));
  ranked.sort((a, b) => ORDER.indexOf(a.rank) - ORDER.indexOf(b.rank));
  const texts = ranked.map(({ change }) => (addsText(change.hunks) ? patchText(change.hunks) : undefined));
  const sizes = texts.map((text) => (text === undefined ? 0 : jsonBytes(text)));
  const decides = ranked.filter(({ rank }) => rank !== "other").length;
  const first = shares(sizes.slice(0, decides), SHOWN_BYTES, SHOWN_BYTES);
  const left = SHOWN_BYTES - first.reduce((sum, share) => sum + share, 0);
  const budgets = [...first, ...shares(sizes.slice(decides), left, SHOWN_BYTES_PER_FILE)];
  return ranked.map(({ change, rank }, at) => {
    const text = texts[at];
    const { hunks, ...facts } = change;
    const file: DiffFile = { ...facts, binary: text === undefined && hunks.length > 0, cut: false };
    if (rank === "nix" && !evaluatesNix) file.ignored = true;
    if (text === undefined || text === "") return file;
    const budget = budgets[at] ?? 0;
    const kept = (sizes[at] ?? 0) <= budget ? text : wholeLines(text, budget);
    file.cut = kept.length < text.length;
    if (kept !== "") file.patch = kept;
    return file;
  });
}

/**
 * Divides a total. Each gets all that it needs, or the same share as the others that do not get all. `most` is the
 * largest share. The order does not matter.
 */
function shares(sizes: readonly number[], total: number, most: number): number[] {
  const granted = sizes.map(() => 0);
  let left = total;
  const bySize = sizes.map((size, at) => ({ size: Math.min(size, most), at })).sort((a, b) => a.size - b.size);
  for (const [n, { size, at }] of bySize.entries()) {
    const share = Math.min(size, Math.floor(left / (bySize.length - n)));
    granted[at] = share;
    left -= share;
  }
  return granted;
}

function rankOf({ path, new_mode: mode }: FileChange, file: TreeFile | undefined, words: readonly string[]): Rank {
  if (path === CONFIG_FILE) return "config";
  if (path === INSTRUCTIONS_FILE || path.startsWith(PROJECTS)) return "instructions";
  const isProgram =
    mode === "100755" || mode === "120000" || PROGRAM.test(path) || hasShebang(file) || words.some((word) => names(word, path));
  if (isProgram) return "program";
  return path.endsWith(".nix") || path === "flake.lock" ? "nix" : "other";
}

function hasShebang(file: TreeFile | undefined): boolean {
  return Buffer.from(file?.base64.slice(0, SHEBANG_CHARS) ?? "", "base64")
    .toString("latin1")
    .startsWith(SHEBANG);
}

/** The words with which the MCP servers of a config are started. */
function serverWords(config: AgentConfig): string[] {
  return Object.values(config.extraMcpServers).flatMap(({ command, args, env }) => [command, ...args, ...Object.values(env)]);
}

/** True if a word names a file of the tree, or a folder that contains it, wherever the tree is mounted. */
function names(word: string, path: string): boolean {
  for (let at = path.length; at > 0; at = path.lastIndexOf("/", at - 1)) {
    const place = path.slice(0, at);
    for (let where = word.indexOf(place); where >= 0; where = word.indexOf(place, where + 1)) {
      const [before, after] = [word[where - 1] ?? "/", word[where + place.length] ?? "/"];
      if (!/[\w.-]/.test(before) && !/[\w.-]/.test(after)) return true;
    }
  }
  return false;
}
