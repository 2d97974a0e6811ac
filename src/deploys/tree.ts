import type { TreeFile } from "../wire/approval.ts";
import type { AgentConfig } from "../wire/config.ts";
import { CONFIG_FILE, NOTHING_GRANTED, parseDeployed } from "../agents/agent-json.ts";

export const INSTRUCTIONS_FILE = "INSTRUCTIONS.md";

/** A config tree by path. */
export function byPath(files: readonly TreeFile[]): Map<string, TreeFile> {
  return new Map(files.map((file) => [file.path, file]));
}

/** The bytes of a file. */
export function bytesOf(file: TreeFile): Buffer {
  return Buffer.from(file.base64, "base64");
}

/** The text of a file. Undefined if it is not UTF-8 or contains a NUL. */
export function textOf(file: TreeFile): string | undefined {
  const bytes = bytesOf(file);
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Not UTF-8.
    return undefined;
  }
}

/**
 * The config of a tree, read as a deployed config. `unreadable` says why it cannot be read. It then grants nothing, so
 * that everything in the next config counts as gained.
 */
export function configOf(files: ReadonlyMap<string, TreeFile>): { config: AgentConfig; unreadable?: string } {
  const file = files.get(CONFIG_FILE);
  const text = file && textOf(file);
  if (text === undefined) return { config: NOTHING_GRANTED, unreadable: `${CONFIG_FILE} is missing or not text` };
  const parsed = parseDeployed(text);
  return "config" in parsed ? { config: parsed.config } : { config: NOTHING_GRANTED, unreadable: parsed.unreadable };
}
