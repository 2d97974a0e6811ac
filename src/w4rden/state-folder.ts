import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
} from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder } from "../lib/own-folder.ts";
import { isAgentUid } from "../platforms/uids.ts";
import type { Account } from "./account.ts";

/** Other users cannot enter it. */
const MODE = 0o750;

/**
 * Makes a state folder the daemon's: creates it, or gives the files of root in it to the daemon's user. Files of agents
 * keep their users. The folder itself is given last, so a start that was interrupted is repeated, and until then no
 * process of the daemon's user can enter it.
 */
export function takeStateFolder(state: string, account: Account): void {
  const found = lstatSync(state, { throwIfNoEntry: false });
  if (found?.isSymbolicLink()) throw new Error(`${state} is a symbolic link: name the folder itself`);
  if (found && !found.isDirectory()) throw new Error(`${state} is not a folder`);
  if (found?.uid === account.uid) return;
  if (found && found.uid !== 0)
    throw new Error(
      `${state} belongs to uid ${found.uid}: start the hive as that user, or give the folder to root first (chown -R)`,
    );
  makeFolder(dirname(state), 0o755);
  if (!found) mkdirSync(state, { mode: MODE });
  chmodSync(state, MODE);
  const holder = lockHolder(join(state, "daemon.lock"));
  if (holder !== undefined) throw new Error(`a daemon that root has started runs on ${state} (pid ${holder}): stop it first`);
  giveAll(state, account);
  chownSync(state, account.uid, account.gid);
}

/** Gives what is in a folder of root. Agents write in their own folders only, and these are not entered. */
function giveAll(folder: string, account: Account): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const found = lstatSync(path);
    if (found.isDirectory() && !isAgentUid(found.uid)) giveAll(path, account);
    if (found.uid !== 0 && found.gid !== 0) continue;
    if (found.isFile() && found.nlink > 1) unlink(path, found);
    lchownSync(path, found.uid === 0 ? account.uid : found.uid, found.gid === 0 ? account.gid : found.gid);
  }
}

/** Replaces a file that has other names by a copy. Those names, such as Node's in the checkout, must stay root's. */
function unlink(path: string, { mode }: Stats): void {
  const copy = `${path}.own`;
  rmSync(copy, { force: true });
  copyFileSync(path, copy);
  chmodSync(copy, mode & 0o777);
  renameSync(copy, path);
}

/** How many files and folders of a folder `takeStateFolder` gives, and how many it leaves, without what is in agents' folders. */
export function countOfRoot(folder: string): { given: number; kept: number } {
  const count = { given: 1, kept: 0 };
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const found = lstatSync(path);
    if (found.isDirectory() && !isAgentUid(found.uid)) {
      const inner = countOfRoot(path);
      count.given += inner.given;
      count.kept += inner.kept;
    } else if (found.uid === 0 || found.gid === 0) count.given += 1;
    else count.kept += 1;
  }
  return count;
}

/** The process that holds the daemon's lock. Undefined if none does. */
export function lockHolder(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const { ino } = lstatSync(file);
  const line = readFileSync("/proc/locks", "utf8")
    .split("\n")
    .map((one) => one.trim().split(/\s+/))
    .find((fields) => fields[5]?.endsWith(`:${ino}`) && fields[3] === "WRITE");
  return line === undefined ? undefined : Number(line[4]);
}
