import { createHash } from "node:crypto";
import { projectPin, type ApprovalRecord } from "../store/approvals.ts";

/** Represents "nothing runs" in a digest. */
const NOTHING = "-";

/** What a request contains: its tree, and the instructions of repositories that it follows. */
export function contentOf({ tree, project }: Pick<ApprovalRecord, "tree" | "project">): string {
  const pin = projectPin({ project });
  return pin === undefined ? tree : `${tree} ${pin.sha}`;
}

/** Binds an approval to what was shown: SHA-256 over the proposed and the running content. */
export function digestOf(proposed: string, running: string | undefined): string {
  return createHash("sha256")
    .update(`${proposed}\n${running ?? NOTHING}\n`)
    .digest("hex");
}
