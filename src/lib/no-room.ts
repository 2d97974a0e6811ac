import { constants } from "node:os";

/**
 * True if a system call has failed because the disk, or the share of it that the user may fill, is full. Node has no name
 * for the second (`EDQUOT`): its code is `UNKNOWN`.
 */
export function isNoRoom(error: unknown): boolean {
  const { code, errno } = (typeof error === "object" && error !== null ? error : {}) as { code?: unknown; errno?: unknown };
  return code === "ENOSPC" || errno === -constants.errno.EDQUOT;
}
