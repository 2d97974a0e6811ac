import { LAST_ORDINAL } from "../platforms/uids.ts";
import type { CageSpecs } from "./cage-specs.ts";

/** The ordinal of the identity as whom git runs for the hive: near the end of the range, where no agent comes to. */
const GIT_ORDINAL = LAST_ORDINAL - 1;

/** The user as whom git reads repositories in the sandbox. It owns no file of the hive. */
export function gitOwner(specs: Pick<CageSpecs, "identityFor">): { uid: number; gid: number } {
  const { uid, gid } = specs.identityFor(GIT_ORDINAL);
  return { uid, gid };
}
