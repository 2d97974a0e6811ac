import { existsSync, readFileSync } from "node:fs";
import { mkdir, open, readFile, readdir, readlink, rename, rm, stat, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { TreeFile } from "../wire/approval.ts";
import type { AgentConfig } from "../wire/config.ts";
import { CONFIG_FILE, NOTHING_GRANTED, parseDeployed } from "./agent-json.ts";
import type { ConfigTree } from "./template.ts";

/**
 * Writes a generation as a folder that appears whole or not at all, on stable storage. Keeps any bytes, executable
 * files and links. A folder that exists is kept: a generation is named after its request and never changes.
 */
export async function writeGeneration(folder: string, files: readonly TreeFile[]): Promise<void> {
  if (existsSync(folder)) return;
  const scratch = `${folder}.new`;
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  const folders = new Set([scratch]);
  for (const file of files) {
    const path = join(scratch, file.path);
    // The reader of the tree checks this too.
    if (!path.startsWith(`${scratch}/`)) throw new Error(`${file.path} would be outside the config folder`);
    for (let parent = dirname(path); !folders.has(parent); parent = dirname(parent)) folders.add(parent);
    await mkdir(dirname(path), { recursive: true });
    if (file.mode === "120000") await symlink(Buffer.from(file.base64, "base64").toString("utf8"), path);
    else await writeStable(path, Buffer.from(file.base64, "base64"), file.mode === "100755" ? 0o755 : 0o644);
  }
  await Promise.all([...folders].map(syncFolder));
  await rename(scratch, folder);
  await syncFolder(dirname(folder));
}

async function writeStable(path: string, bytes: Buffer, mode: number): Promise<void> {
  const handle = await open(path, "wx", mode);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Reads the files of a generation. */
export async function readGeneration(folder: string): Promise<TreeFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = await Promise.all(
    entries.map(async (entry): Promise<TreeFile[]> => {
      const full = join(entry.parentPath, entry.name);
      const path = relative(folder, full);
      if (entry.isSymbolicLink()) return [{ path, mode: "120000", base64: Buffer.from(await readlink(full)).toString("base64") }];
      if (!entry.isFile()) return [];
      const isProgram = ((await stat(full)).mode & 0o100) !== 0;
      return [{ path, mode: isProgram ? "100755" : "100644", base64: (await readFile(full)).toString("base64") }];
    }),
  );
  return files.flat().sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Converts a tree of texts into files. */
export function treeFiles(tree: ConfigTree): TreeFile[] {
  return Object.entries(tree).map(([path, text]) => ({
    path,
    mode: "100644",
    base64: Buffer.from(text, "utf8").toString("base64"),
  }));
}

/** The parts of a deployed tree that the hive uses. */
export interface DeployedTree {
  config: AgentConfig;
  instructions: string;
  /** The current rules that the config breaks, one sentence each. */
  warnings: string[];
  /** Why the tree cannot be read. `config` then grants nothing, and no cage may start with it. */
  unreadable?: string | undefined;
}

/** Reads a deployed tree. A tree that cannot be read gets no defaults. */
export function readConfigTree(folder: string): DeployedTree {
  try {
    const parsed = parseDeployed(readFileSync(join(folder, CONFIG_FILE), "utf8"));
    if ("unreadable" in parsed) return unreadableTree(parsed.unreadable);
    return { ...parsed, instructions: readOptional(join(folder, "INSTRUCTIONS.md")) };
  } catch (error) {
    return unreadableTree(error instanceof Error ? error.message : String(error));
  }
}

function unreadableTree(why: string): DeployedTree {
  const unreadable = `the deployed config cannot be read: ${why}. Rebuild the agent, or propose another config`;
  return { config: NOTHING_GRANTED, instructions: "", warnings: [unreadable], unreadable };
}

/** The text of a file, or "" if it does not exist. Throws if it cannot be read. */
function readOptional(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** The bytes that a folder uses on disk. Does not follow links. */
export async function treeBytes(folder: string): Promise<number> {
  let total = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    try {
      total += (await stat(join(entry.parentPath, entry.name))).blocks * 512;
    } catch {
      // Removed since it was listed.
    }
  }
  return total;
}
