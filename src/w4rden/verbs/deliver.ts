import { closeSync } from "node:fs";
import { join } from "node:path";
import type { DeliverRequest } from "../../wire/w4rden.ts";
import type { VerbContext } from "../context.ts";
import { openFolder } from "../open-folder.ts";
import { Refusal } from "../refusal.ts";
import { onFolder, type Started } from "./export.ts";

/** Makes a branch `hive/*` of an exported repository a commit of the hive's, as the owner of the folder. It writes no other ref. */
export function deliver(request: DeliverRequest, context: VerbContext): Started {
  const { folder, nonce, repo, branch, sha, clean } = request;
  const open = openFolder(join(context.state, "repos", `${repo}.git`, "objects"));
  try {
    // The daemon may write in its state folder. What it puts there has to be its own.
    if (open.stat.uid !== context.account.uid) throw new Refusal(`the objects of ${repo} do not belong to the hive`);
    const objects = context.binds.bind(open, { mode: "ro", forDaemon: false });
    try {
      const started = onFolder(
        { folder, nonce, mode: "rw" },
        { what: "push", objects: objects.path, branch, sha, clean },
        context,
      );
      return {
        ...started,
        release() {
          started.release();
          objects.release();
        },
      };
    } catch (error) {
      objects.release();
      throw error;
    }
  } finally {
    closeSync(open.fd);
  }
}
