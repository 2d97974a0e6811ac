import type { FileChange } from "../config-repos/types.ts";
import type { DiffFile, TreeFile } from "../wire/approval.ts";
import type { AgentConfig } from "../wire/config.ts";
import { addsText, jsonBytes, patchText, wholeLines } from "./patch-text.ts";
import { CONFIG_FILE } from "../agents/agent-json.ts";
import { byPath, configOf, INSTRUCTIONS_FILE } from "./tree.ts";

/** Bytes of JSON that all patches of one answer take together. A config of full size with what it replaces takes less. */
export const SHOWN_BYTES = 4 * 1024 * 1024;
/** The same for one file that decides nothing: 2,000 full lines, more than anybody reads of a note. */
export const SHOWN_BYTES_PER_FILE = 128 * 1024;

/** Files of these kinds run, whether they may be executed or not: an interpreter or another program reads them. */
const PROGRAM = /\.(?:[cm]?[jt]sx?|py|sh|bash|zsh|fish|rb|pl|php|lua|go|rs|c|wasm|so|node)$|(?:^|\/)package\.json$/i;
const SHEBANG = "#!";
/** Characters of base64 that hold a shebang. */
const SHEBANG_CHARS = 4;

/** In which order files are shown. What decides what an agent is told or may do comes first, and its patch is whole. */
type Rank = "config" | "instructions" | "program" | "nix" | "other";
const ORDER: readonly Rank[] = ["config", "instructions", "program", "nix", "other"];

/**
 * The changes as the operator sees them, in every place the same: what decides first and whole, the rest with a budget
 * of its own for each file. What is not shown whole as text is told by `isUnshown`. Pure.
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
 * How much of a total each gets: all that it needs, or as much as every other that does not get all. `most` is the
 * largest share. The order decides nothing.
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
  if (path === INSTRUCTIONS_FILE) return "instructions";
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

/** All that the MCP servers of a config are started with. */
function serverWords(config: AgentConfig): string[] {
  return Object.values(config.extraMcpServers).flatMap(({ command, args, env }) => [command, ...args, ...Object.values(env)]);
}

/** Whether a word names a file of the tree, or a folder that it is in, wherever the tree is mounted. */
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
