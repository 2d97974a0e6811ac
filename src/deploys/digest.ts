import { createHash } from "node:crypto";
import type { Sha } from "../wire/approval.ts";

/** Represents "nothing runs" in a digest. */
const NOTHING = "-";

/** Binds an approval to what was shown: SHA-256 over the proposed tree and the running tree. */
export function digestOf(tree: Sha, running: Sha | undefined): string {
  return createHash("sha256")
    .update(`${tree}\n${running ?? NOTHING}\n`)
    .digest("hex");
}
