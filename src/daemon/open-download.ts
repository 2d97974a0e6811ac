import type { Download } from "../files/agent-files.ts";
import type { Parsed } from "../wire/operations.ts";
import type { HandlerContext } from "./handlers/types.ts";

/**
 * Opens a file or folder of an agent for an operator, over whatever it is sent. What leaves the hive is a line of the audit
 * trail.
 */
export async function openDownload(
  { swarm, files, store, now }: Pick<HandlerContext, "swarm" | "files" | "store" | "now">,
  { name, path }: Parsed<"file_download">,
  actor: string,
  ended: AbortSignal,
): Promise<Download> {
  const download = await files.download(swarm.byName(name), path, ended);
  try {
    await store.write(() =>
      store.ledger.audit(store.nextSeq(), { at: now(), actor, kind: "file_downloaded", agent: name, detail: { path } }),
    );
    return download;
  } catch (error) {
    download.close();
    throw error;
  }
}
