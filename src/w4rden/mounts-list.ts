import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import type { VerbContext } from "./context.ts";
import { Refusal } from "./refusal.ts";

/** Folders of the running system: processes, devices, and sockets of services that amount to root. */
const NEVER = ["/proc", "/sys", "/dev", "/run", "/var/run"];

/** True if `path` is `folder` or below it. */
export const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

type Closed = Pick<VerbContext, "etc" | "state" | "run" | "programs">;

/**
 * Refuses a folder that root's list does not allow: `<etc>/mounts`, an absolute path on each line, which stands for
 * itself and what is below it. Read for each request, so that a change applies at once.
 */
export function checkListed(folder: string, mode: "ro" | "rw", { etc, state, run, programs }: Closed): void {
  // What root runs may be read.
  const own = [...NEVER, etc, state, run, ...(mode === "rw" ? programs : [])];
  const closed = own.find((one) => isWithin(folder, one) || isWithin(one, folder));
  if (closed !== undefined) throw new Refusal(`${folder} is, or contains, ${closed}: no agent can have it`);
  const file = join(etc, "mounts");
  if (!listed(file).some((one) => isWithin(folder, one)))
    throw new Refusal(`root does not allow ${folder} to be mounted: add a line with it, or with a folder above it, to ${file}`);
}

function listed(file: string): string[] {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  try {
    const { uid, mode } = fstatSync(fd);
    if (uid !== 0 || (mode & 0o022) !== 0)
      throw new Refusal(`${file} can be written by others than root: chown root ${file}; chmod go-w ${file}`);
    return readFileSync(fd, "utf8")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line.startsWith("/") && normalize(line) === line && line !== "/");
  } finally {
    closeSync(fd);
  }
}
