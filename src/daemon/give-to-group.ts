import { chmodSync, chownSync } from "node:fs";
import type { Identity } from "../platforms/port.ts";

/**
 * Gives a path to a cage's group, and to no other. The cage sees the folder read-only, so it cannot replace a path
 * in it with a link.
 */
export function giveToGroup(path: string, identity: Identity, mode: number): void {
  chownSync(path, process.getuid?.() ?? 0, identity.gid);
  chmodSync(path, mode);
}
