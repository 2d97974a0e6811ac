import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { syncAll } from "../stable.ts";

const PACK_FILE = /^pack-([0-9a-f]{40})\.[a-z]+$/;
/** What a git process that was killed has left. */
const UNFINISHED = /^(?:tmp_|\.tmp-)/;
const PREFIX = /^[0-9a-f]{2}$/;
const REST = /^[0-9a-f]{38}$/;

/** The files of an object folder, relative to it. */
export interface ObjectFiles {
  loose: string[];
  packs: string[];
}

export async function objectFiles(objects: string): Promise<ObjectFiles> {
  const files: ObjectFiles = { loose: [], packs: [] };
  for (const prefix of (await readdir(objects)).filter((name) => PREFIX.test(name)))
    for (const name of await readdir(join(objects, prefix)))
      if (REST.test(name) || UNFINISHED.test(name)) files.loose.push(join(prefix, name));
  for (const name of await readdir(join(objects, "pack")))
    if (PACK_FILE.test(name) || UNFINISHED.test(name)) files.packs.push(join("pack", name));
  return files;
}

/**
 * Removes files of an object folder but those of the pack `kept`, which has every object that is needed. A git that reads
 * meanwhile finds each object: it looks again when a file is gone, and the index of a pack goes before the pack.
 * `removing` is called between two files.
 */
export async function removeObjects(
  objects: string,
  { loose, packs }: ObjectFiles,
  kept: string | undefined,
  removing: () => Promise<void> = async () => {},
): Promise<void> {
  const isIndex = (name: string): boolean => name.endsWith(".idx");
  const going = packs
    .filter((name) => kept === undefined || !name.startsWith(join("pack", `pack-${kept}.`)))
    .sort((a, b) => Number(isIndex(b)) - Number(isIndex(a)));
  for (const name of [...going, ...loose]) {
    await removing();
    await rm(join(objects, name), { force: true });
  }
  // What is moved in later makes them again.
  for (const folder of new Set(loose.map((name) => join(objects, name.slice(0, 2))))) await rmdir(folder).catch(unlessFull);
  await syncAll([join(objects, "pack"), objects]);
}

function unlessFull(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOTEMPTY" && error.code !== "ENOENT") throw error;
}
