import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AgentConfig } from "../../wire/config.ts";
import { schemaComplaint } from "../../wire/error.ts";
import type { ConfigTree } from "./template.ts";

/** Writes a config tree as a folder that appears whole or not at all. */
export function writeConfigTree(folder: string, tree: ConfigTree): void {
  const scratch = `${folder}.new`;
  rmSync(scratch, { recursive: true, force: true });
  for (const [path, text] of Object.entries(tree)) {
    const file = join(scratch, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  renameSync(scratch, folder);
}

/** The parts of a deployed tree that the hive reads. A tree that does not fit runs on defaults, with a warning. */
export function readConfigTree(folder: string): { config: AgentConfig; instructions: string; warnings: string[] } {
  const warnings: string[] = [];
  let config = AgentConfig.parse({});
  try {
    const parsed = AgentConfig.safeParse(JSON.parse(readFileSync(join(folder, "agent.json"), "utf8")));
    if (parsed.success) config = parsed.data;
    else warnings.push(`agent.json does not fit: ${schemaComplaint(parsed.error)}; running on defaults`);
  } catch (error) {
    warnings.push(`agent.json cannot be read (${error instanceof Error ? error.message : String(error)}); running on defaults`);
  }
  return { config, instructions: readOptional(join(folder, "INSTRUCTIONS.md")), warnings };
}

function readOptional(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Bytes that a folder holds on disk. Links are not followed. */
export async function treeBytes(folder: string): Promise<number> {
  let total = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    try {
      total += (await stat(join(entry.parentPath, entry.name))).blocks * 512;
    } catch {
      // It went away while we looked.
    }
  }
  return total;
}
