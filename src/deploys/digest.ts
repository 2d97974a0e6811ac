import { createHash } from "node:crypto";
import type { Sha } from "../wire/approval.ts";

/** What stands for "nothing runs" in a digest. */
const NOTHING = "-";

/** Binds an approval to what was looked at: SHA-256 over the proposed tree and the tree that runs. */
export function digestOf(tree: Sha, running: Sha | undefined): string {
  return createHash("sha256")
    .update(`${tree}\n${running ?? NOTHING}\n`)
    .digest("hex");
}
