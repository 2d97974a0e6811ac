import { userInfo } from "node:os";
import { basename, dirname } from "node:path";
import { hivectl, shellWord } from "../lib/hivectl.ts";
import { isNoRoom } from "../lib/no-room.ts";
import { hostUid, isMappedRoot } from "../os/user-namespace.ts";
import { HiveError } from "../wire/error.ts";

/** A folder for backups that an admin can make for the daemon's user. */
const FOR_BACKUPS = "/var/backups/hyperhive";

/** True for the codes of the system with which it refuses a file. */
export const isForbidden = (code: unknown): boolean => code === "EACCES" || code === "EROFS" || code === "EPERM";

/** The user of this process, as the host knows it: by name, or by number in a namespace, where it has another name. */
function ownUser(): string {
  if (isMappedRoot()) return String(hostUid());
  try {
    return userInfo().username;
  } catch {
    // A number without an entry in the list of users.
    return String(process.getuid?.() ?? "another user");
  }
}

/** A refusal to write a backup, with a folder that would do. */
export function notWritable(folder: string, cause?: unknown): HiveError {
  const user = ownUser();
  const make = `sudo install -d -o ${user} -m 0700 ${FOR_BACKUPS}`;
  return new HiveError(
    "forbidden",
    `the daemon runs as ${user}, which may not write ${folder}: name a folder inside of one of that user's, such as with \`${make}\` and then ${hivectl(`backup ${shellWord(`${FOR_BACKUPS}/${basename(folder)}`)}`)}`,
    { cause },
  );
}

/** Why a backup into a folder has failed, in words that say what to do. Any other error is returned unchanged. */
export function inWords(error: unknown, signal: AbortSignal, folder: string): unknown {
  if (signal.aborted) return new HiveError("unavailable", "the backup was given up; nothing is left of it");
  const code = typeof error === "object" && error !== null ? (error as { code?: unknown }).code : undefined;
  if (isNoRoom(error) || code === "SQLITE_FULL")
    return new HiveError("conflict", `there is no room for the backup in ${dirname(folder)}; nothing is left of it`, {
      cause: error,
    });
  return isForbidden(code) ? notWritable(folder, error) : error;
}

/** Throws why the folder of a backup cannot be made: the system of files has no such place. Any other error unchanged. */
export function cannotMake(folder: string, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
  throw new HiveError("bad_request", `no folder can be made in ${dirname(folder)}: name another place for the backup`, {
    cause: error,
  });
}
