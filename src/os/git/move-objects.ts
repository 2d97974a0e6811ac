import { constants, existsSync } from "node:fs";
import { chmod, mkdir, open, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { syncAll } from "../stable.ts";

/** Files that are flushed at once: the file system then does it in one pass. */
const FLUSHED_AT_ONCE = 64;
/**
 * The files of a pack in the order in which they are moved. Git reads a pack once its index is there, so the index is
 * last.
 */
const PACK_FILES = [".pack", ".rev", ".idx"];
const PACK = /^pack-[0-9a-f]{40}\.(?:pack|rev|idx)$/;
const PREFIX = /^[0-9a-f]{2}$/;
const REST = /^[0-9a-f]{38}$/;

/**
 * Moves the loose objects and packs of one object folder into another on the same file system. They are on stable
 * storage when the promise resolves. Names are hashes of the content, so an object that is there already is identical.
 * A program of another user may have written `from`: it must have ended. Only plain files with the names of objects are
 * moved, and they belong to this process afterwards.
 */
export async function moveObjects(from: string, to: string): Promise<void> {
  const loose = await looseObjects(from);
  // A folder of loose objects alone has no packs.
  const packs = existsSync(join(from, "pack")) ? (await readdir(join(from, "pack"))).filter((name) => PACK.test(name)) : [];
  packs.sort((a, b) => PACK_FILES.findIndex((end) => a.endsWith(end)) - PACK_FILES.findIndex((end) => b.endsWith(end)));
  const names = [...loose, ...packs.map((name) => join("pack", name))];
  for (let at = 0; at < names.length; at += FLUSHED_AT_ONCE)
    await Promise.all(names.slice(at, at + FLUSHED_AT_ONCE).map((name) => takeOver(join(from, name))));
  const folders = [...new Set(loose.map((name) => name.slice(0, 2)))];
  for (const folder of folders) {
    // Not with `to` itself: a repository that was removed meanwhile stays removed.
    await mkdir(join(to, folder)).catch(existing);
    await chmod(join(to, folder), 0o755);
  }
  for (const name of names) await rename(join(from, name), join(to, name));
  await syncAll([...folders.map((folder) => join(to, folder)), ...(packs.length > 0 ? [join(to, "pack")] : []), to]);
}

function existing(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

async function looseObjects(from: string): Promise<string[]> {
  const found: string[] = [];
  for (const prefix of (await readdir(from)).filter((name) => PREFIX.test(name)))
    for (const name of await readdir(join(from, prefix))) if (REST.test(name)) found.push(join(prefix, name));
  return found;
}

/** Flushes a file, makes it ours and readable for everyone. Throws if it is not a plain file. */
async function takeOver(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (!stat.isFile() || stat.nlink !== 1) throw new Error(`${path} is not a plain file`);
    if (stat.uid !== process.getuid?.()) await handle.chown(process.getuid?.() ?? 0, process.getgid?.() ?? 0);
    await handle.chmod(0o444);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
