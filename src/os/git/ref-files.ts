import { constants, existsSync, type Dirent } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

type Sha = string;

/** Bytes of a file of a loose ref. */
const MAX_LOOSE_BYTES = 256;
/** Bytes of the file of packed refs that is read here: some fifty thousand of them. */
const MAX_PACKED_BYTES = 4 * 1024 * 1024;
/** Loose refs that are read here: reading more takes longer than git does. */
const MAX_LOOSE_REFS = 256;

const LOOSE = /^([0-9a-f]{40})\n$/;
const PACKED = /^([0-9a-f]{40}) (refs\/.+)$/;
/** Names of refs whose meaning does not depend on git's own rules. */
const PLAIN = /^refs(?:\/(?!\.)[\w.@+-]+)+$/;

/**
 * The object of a ref of a bare repository that only the daemon writes, from its files: git's own process takes a
 * hundred times as long. Null if there is no such ref; undefined if only git can tell.
 */
export async function refFromFiles(gitDir: string, ref: string): Promise<Sha | null | undefined> {
  if (!isPlain(ref) || hasReftables(gitDir)) return undefined;
  const loose = await smallFile(join(gitDir, ref), MAX_LOOSE_BYTES);
  if (loose === undefined) return undefined;
  if (loose !== null) return LOOSE.exec(loose)?.[1];
  const packed = await packedRefs(gitDir);
  if (packed === undefined) return undefined;
  const at = packed.indexOf(` ${ref}\n`);
  if (at >= 0) return PACKED.exec(packed.slice(at - 40, at + 1 + ref.length))?.[1];
  // Where there is no repository, git says so.
  return existsSync(join(gitDir, "HEAD")) ? null : undefined;
}

/** Every ref below a folder (`refs/tags/`) with its object, as `refFromFiles`. Undefined if only git can tell. */
export async function refsFromFiles(gitDir: string, below: string): Promise<Map<string, Sha> | undefined> {
  const folder = below.replace(/\/$/, "");
  if ((folder !== "refs" && !isPlain(folder)) || hasReftables(gitDir)) return undefined;
  const found = new Map<string, Sha>();
  // Loose ones first: one that git packs meanwhile is read twice, not missed.
  const names = await looseRefs(gitDir, folder);
  if (names === undefined || names.length > MAX_LOOSE_REFS) return undefined;
  const loose = new Map<string, Sha>();
  for (const name of names) {
    const text = await smallFile(join(gitDir, name), MAX_LOOSE_BYTES);
    // It was packed or removed meanwhile.
    if (text === null) continue;
    const sha = text === undefined ? undefined : LOOSE.exec(text)?.[1];
    if (sha === undefined) return undefined;
    loose.set(name, sha);
  }
  const packed = await packedRefs(gitDir);
  if (packed === undefined || !existsSync(join(gitDir, "HEAD"))) return undefined;
  for (const line of packed.split("\n")) {
    if (line === "" || line.startsWith("#") || line.startsWith("^")) continue;
    const [, sha, name] = PACKED.exec(line) ?? [];
    if (sha === undefined || name === undefined) return undefined;
    if (name.startsWith(`${folder}/`)) found.set(name, sha);
  }
  for (const [name, sha] of loose) found.set(name, sha);
  return new Map([...found].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}

/** Git has moved the refs into another format: none of them is a file. */
const hasReftables = (gitDir: string): boolean => existsSync(join(gitDir, "reftable"));

const isPlain = (ref: string): boolean => PLAIN.test(ref) && !ref.includes("..") && !/\.(?:lock)?(?:\/|$)/.test(ref);

/** Names of loose refs. Undefined if there is anything else. */
async function looseRefs(gitDir: string, folder: string): Promise<string[] | undefined> {
  let entries: Dirent[];
  try {
    entries = await readdir(join(gitDir, folder), { withFileTypes: true });
  } catch (error) {
    // A folder that has no loose refs, or that git has just removed.
    if (isAbsence(error)) return [];
    throw error;
  }
  const names: string[] = [];
  for (const entry of entries) {
    const name = `${folder}/${entry.name}`;
    // Another git moves it.
    if (entry.name.endsWith(".lock")) continue;
    if (!isPlain(name)) return undefined;
    if (entry.isFile()) names.push(name);
    else if (entry.isDirectory()) {
      const inside = await looseRefs(gitDir, name);
      if (inside === undefined) return undefined;
      for (const one of inside) names.push(one);
    } else return undefined;
    if (names.length > MAX_LOOSE_REFS) return undefined;
  }
  return names;
}

const packedRefs = async (gitDir: string): Promise<string | undefined> => {
  const text = await smallFile(join(gitDir, "packed-refs"), MAX_PACKED_BYTES);
  return text === null ? "" : text;
};

/** The text of a plain file. Null if there is none, undefined if it is something else or larger. */
async function smallFile(path: string, most: number): Promise<string | null | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      // A folder has the name of a ref that once was there.
      if (stat.isDirectory()) return null;
      if (!stat.isFile() || stat.size > most) return undefined;
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isAbsence(error)) return null;
    // A link, or what cannot be read: git says what it is.
    return undefined;
  }
}

const isAbsence = (error: unknown): boolean => ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
