import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { chmod, lchown, mkdir, open, readdir, rename, rm, writeFile, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { git } from "../os/git/git.ts";
import { removeTree } from "../os/remove-tree.ts";
import { syncAll } from "../os/stable.ts";
import type { Sha } from "../wire/approval.ts";
import { MAIN, writeSkeleton } from "../os/git/folders.ts";
import type { ProposedRepo } from "./types.ts";

/** Bytes of history that a new proposed repository may start with: what a fetch may add in many proposals. */
const MAX_HISTORY_BYTES = 512 * 1024 * 1024;
/** Files that are flushed at once. */
const FLUSHED_AT_ONCE = 64;
/** Opens only a folder, never a link to one. */
const FOLDER_ONLY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** The path of an agent's applied repository in the manager's cage. */
const appliedInCage = (agent: string): string => `/applied/${agent}.git`;

export interface ProposedPlace {
  /** `<state>/proposed` */
  top: string;
  /** Where repositories are created out of the manager's sight, on the same file system. */
  scratch: string;
}

export function proposedRepo(place: ProposedPlace, agent: string, owner: ProposedRepo["owner"]): ProposedRepo {
  return { folder: join(place.top, agent, "config"), owner };
}

/**
 * Creates the manager's repository of an agent: completes it where no other user can write, hands it to its owner, then
 * moves it into place. A manager that shares our uid may be able to write in that place, so it is opened by descriptor
 * and no link is followed.
 */
export async function ensureProposed(
  place: ProposedPlace,
  agent: string,
  from: { gitDir: string; sha: Sha },
  owner: ProposedRepo["owner"],
): Promise<ProposedRepo> {
  const repo = proposedRepo(place, agent, owner);
  await mkdir(repo.folder.slice(0, -"/config".length), { recursive: true, mode: 0o755 });
  const parent = await openFolder(place, agent);
  try {
    if (await isInUse(`/proc/self/fd/${parent.fd}/config`)) return repo;
    if (process.getuid?.() === 0) await parent.chown(0, 0);
    await parent.chmod(0o755);
    const made = join(place.scratch, randomUUID());
    try {
      await makeConfig(made, agent, from);
      await give(made, owner);
      await flush(made);
      await rename(made, `/proc/self/fd/${parent.fd}/config`);
    } catch (error) {
      await rm(made, { recursive: true, force: true });
      // Another repository was created meanwhile: keep it.
      if (!["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
    await parent.sync();
  } finally {
    await parent.close();
  }
  await syncAll([place.top, place.scratch]);
  return repo;
}

/**
 * Moves the repository out of the manager's sight, then removes it. A program in the cage may still be writing to it.
 */
export async function removeProposed(place: ProposedPlace, agent: string): Promise<void> {
  const away = join(place.scratch, randomUUID());
  try {
    await rename(join(place.top, agent), away);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  await syncAll([place.top, place.scratch]);
  await removeTree(away);
}

async function openFolder(place: ProposedPlace, agent: string): Promise<FileHandle> {
  const top = await open(place.top, FOLDER_ONLY);
  try {
    return await open(`/proc/self/fd/${top.fd}/${agent}`, FOLDER_ONLY);
  } catch (error) {
    throw new Error(`${place.top}/${agent} is not a folder: something else was put there. Remove it`, { cause: error });
  } finally {
    await top.close();
  }
}

/** True if the path contains anything. An emptied folder does not count: a new repository may replace it. */
async function isInUse(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length > 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT";
  }
}

/** An ordinary repository with a checkout and the remote `applied`, at its path in the manager's cage. */
async function makeConfig(made: string, agent: string, from: { gitDir: string; sha: Sha }): Promise<void> {
  const gitDir = join(made, ".git");
  await mkdir(made, { mode: 0o755 });
  await chmod(made, 0o755);
  await writeSkeleton(gitDir, false);
  const pack = await git(from.gitDir, ["pack-objects", "--revs", "--stdout", "-q"], {
    input: `${from.sha}\n`,
    maxBytes: MAX_HISTORY_BYTES,
  });
  await git(gitDir, ["unpack-objects", "-q", "--strict"], { input: pack });
  await git(gitDir, ["update-ref", MAIN, from.sha]);
  const remote = [
    `[remote "applied"]`,
    `\turl = ${appliedInCage(agent)}`,
    `\tfetch = +refs/tags/*:refs/remotes/applied/refs/tags/*`,
    `\ttagOpt = --no-tags`,
    "",
  ].join("\n");
  await writeFile(join(gitDir, "config"), remote, { flag: "a" });
  await git(gitDir, [`--work-tree=${made}`, "read-tree", "--reset", "-u", from.sha]);
}

/** A moved repository must survive a power cut: a second call would leave a damaged one in place. */
async function flush(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((one) => !one.isSymbolicLink()).map((one) => join(one.parentPath, one.name));
  for (let at = 0; at < paths.length; at += FLUSHED_AT_ONCE) await syncAll(paths.slice(at, at + FLUSHED_AT_ONCE));
  await syncAll([folder]);
}

/** Hands a folder that only we can write to its owner. Changes the owner of links without following them. */
async function give(folder: string, owner: ProposedRepo["owner"]): Promise<void> {
  if (process.getuid?.() !== 0) return;
  for (const name of await readdir(folder, { recursive: true })) await lchown(join(folder, name), owner.uid, owner.gid);
  await lchown(folder, owner.uid, owner.gid);
}
