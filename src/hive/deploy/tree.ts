import type { TreeFile } from "../../wire/approval.ts";
import { AgentConfig } from "../../wire/config.ts";

/** The file that every driver reads. */
export const CONFIG_FILE = "agent.json";
export const INSTRUCTIONS_FILE = "INSTRUCTIONS.md";

/** A config tree by path. */
export function byPath(files: readonly TreeFile[]): Map<string, TreeFile> {
  return new Map(files.map((file) => [file.path, file]));
}

/** The bytes of a file. */
export function bytesOf(file: TreeFile): Buffer {
  return Buffer.from(file.base64, "base64");
}

/** The text of a file; undefined when its bytes are none: not UTF-8, or with a NUL. */
export function textOf(file: TreeFile): string | undefined {
  const bytes = bytesOf(file);
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** What an agent would run with: the defaults where there is no config that fits. */
export function configOf(files: ReadonlyMap<string, TreeFile>): AgentConfig {
  const file = files.get(CONFIG_FILE);
  const text = file && textOf(file);
  try {
    const parsed = AgentConfig.safeParse(JSON.parse(text ?? "{}"));
    if (parsed.success) return parsed.data;
  } catch {
    // Not JSON: validation says so; here nothing is known of it.
  }
  return AgentConfig.parse({});
}
