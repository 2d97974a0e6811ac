import { GIT_ORDINAL } from "../platforms/uids.ts";
import type { CageSpecs } from "./cage-specs.ts";

/** The user as whom git reads repositories in the sandbox. It owns no file of the hive. */
export function gitOwner(specs: Pick<CageSpecs, "reservedIdentity">): { uid: number; gid: number } {
  const { uid, gid } = specs.reservedIdentity(GIT_ORDINAL);
  return { uid, gid };
}
