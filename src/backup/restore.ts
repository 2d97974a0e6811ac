import { ownFolder } from "../lib/own-folder.ts";
import { hivectl } from "../lib/hivectl.ts";
import { existsSync } from "node:fs";
import { chown, copyFile, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { digestOf, syncFileSystem, unpack } from "../os/archive.ts";
import { isAlive } from "../os/process-id.ts";
import { checkCopy, secretsOf } from "../store/copy.ts";
import { takeLock } from "../store/lock.ts";
import { HiveError, schemaComplaint } from "../wire/error.ts";
import { FORMAT, Manifest, MANIFEST, PARTS } from "./manifest.ts";

/** Folder in which a restore is built before it is moved into place. */
const UNFINISHED = "restore.unfinished";
/** Prefix of the folder that keeps the replaced contents. */
const ASIDE = "replaced-";
/** What a state folder without a hive may contain: the lock, and leftovers of restores. */
const isNoHive = (name: string): boolean => name.startsWith("daemon.lock") || name === UNFINISHED || name.startsWith(ASIDE);

export interface RestoreOptions {
  backup: string;
  state: string;
  /** Called before the contents of the state folder are put aside. Rejects if they must stay. */
  mayPutAside(): Promise<void>;
  tell(step: string): void;
}

export interface Restored {
  state: string;
  manifest: Manifest;
  /** Secrets of the hive, whose values no backup has. */
  secrets: string[];
  /** Where the replaced contents are now. */
  aside?: string;
}

/**
 * Restores a state folder from a backup. No daemon may run on it and none of its cages may live. Checks every part
 * against the manifest, and the database, before it touches anything. The hive is moved into place at the end, its
 * database last. Existing contents are never removed: they are put aside in the same folder after `mayPutAside` allows
 * it.
 */
export async function restore({ backup, state, mayPutAside, tell }: RestoreOptions): Promise<Restored> {
  const manifest = await readManifest(backup);
  if (manifest.by_root && process.getuid?.() !== 0)
    throw new HiveError("forbidden", "root took this backup, and its agents have users of their own: restore it as root");
  ownFolder("HIVE_STATE_DIR", state);
  const lock = takeLock(join(state, "daemon.lock"));
  try {
    const there = (await readdir(state)).filter((name) => !isNoHive(name));
    await refuseLivingCages(state);
    // What root unpacks is root's. `hive-w4rden` gives a folder of root, with its content, to the daemon's user.
    if (process.getuid?.() === 0) await chown(state, 0, 0);
    if (there.length > 0) await mayPutAside();
    for (const part of manifest.parts) {
      tell(`checking ${part.file}`);
      await checkPart(backup, part);
    }

    const made = join(state, UNFINISHED);
    await rm(made, { recursive: true, force: true });
    await mkdir(made, { mode: 0o750 });
    // No archive contains the folders above an agent's own, so they are created like the daemon does.
    for (const { id } of manifest.agents) await mkdir(join(made, "agents", id), { recursive: true, mode: 0o750 });
    for (const { file } of manifest.parts.filter((part) => part.file !== PARTS.database)) {
      tell(`unpacking ${file}`);
      await unpack(join(backup, file), made);
    }
    tell("checking the database");
    await copyFile(join(backup, PARTS.database), join(made, PARTS.database));
    checkCopy(join(made, PARTS.database));
    const secrets = secretsOf(join(made, PARTS.database));
    await syncFileSystem(state);
    const aside = await moveIn(state, made, there);
    await syncFileSystem(state);
    return { state, manifest, secrets, ...(aside === undefined ? {} : { aside }) };
  } finally {
    lock.release();
  }
}

async function readManifest(backup: string): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(join(backup, MANIFEST), "utf8");
  } catch (error) {
    throw new HiveError("not_found", `${backup} is not a backup that was finished: it has no ${MANIFEST}`, { cause: error });
  }
  const parsed = z.string().transform(toJson).pipe(Manifest).safeParse(text);
  const format = z.object({ format: z.number() }).safeParse(toJson(text));
  if (format.success && format.data.format > FORMAT)
    throw new HiveError("conflict", `this backup has the form ${format.data.format}, newer than ${FORMAT}: update hyperhive`);
  if (!parsed.success) throw new HiveError("conflict", `the backup's ${MANIFEST} does not fit: ${schemaComplaint(parsed.error)}`);
  return parsed.data;
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the schema refuses undefined.
    return undefined;
  }
}

async function checkPart(backup: string, part: Manifest["parts"][number]): Promise<void> {
  const found = await digestOf(join(backup, part.file)).catch((error: unknown) => {
    throw new HiveError("conflict", `the backup's ${part.file} cannot be read`, { cause: error });
  });
  if (found.bytes !== part.bytes || found.sha256 !== part.sha256)
    throw new HiveError(
      "conflict",
      `the backup's ${part.file} is not what was written: nothing was restored, take another backup`,
    );
}

/** Where drivers note the first process of a cage: bubblewrap, and containers of a NixOS host. */
const CAGE_NOTES = ["cage.json", "container.json"];
const CageNote = z.object({ init: z.object({ pid: z.number(), startTime: z.number(), boot: z.string().optional() }) });

/** A daemon that was killed leaves cages that use the folders to be moved. */
async function refuseLivingCages(state: string): Promise<void> {
  const agents = join(state, "agents");
  for (const id of existsSync(agents) ? await readdir(agents) : [])
    for (const name of CAGE_NOTES) {
      // An agent without a note has no cage.
      const note = CageNote.safeParse(toJson(await readFile(join(agents, id, "cage", name), "utf8").catch(() => "")));
      if (note.success && isAlive(note.data.init))
        throw new HiveError(
          "conflict",
          `cages of ${state} still run: start its daemon and stop it with ${hivectl("shutdown")} first`,
        );
    }
}

/**
 * Puts the existing contents aside and moves the restored hive in. The database makes a folder a hive, so it is moved
 * out first and moved in last.
 */
async function moveIn(state: string, made: string, there: readonly string[]): Promise<string | undefined> {
  let aside: string | undefined;
  if (there.length > 0) {
    aside = join(state, `${ASIDE}${new Date().toISOString().replaceAll(":", "")}`);
    await mkdir(aside, { mode: 0o750 });
    for (const name of databaseFirst(there)) await rename(join(state, name), join(aside, name));
  }
  for (const name of databaseFirst(await readdir(made)).reverse()) await rename(join(made, name), join(state, name));
  await rm(made, { recursive: true });
  return aside;
}

const databaseFirst = (names: readonly string[]): string[] =>
  [...names].sort((a, b) => Number(b.startsWith(PARTS.database)) - Number(a.startsWith(PARTS.database)));
