import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Download } from "../../files/agent-files.ts";
import { rawSecurityHeaders } from "./headers.ts";

/** How long a browser may take nothing: it would keep a process, and room that others wait for. Milliseconds. */
const STALL_MS = 60_000;

/** What an agent wrote is never a page: it is saved, its type is not guessed, and where it is shown all the same it can do nothing. */
const HEADERS = {
  ...rawSecurityHeaders,
  "Content-Type": "application/octet-stream",
  "Content-Security-Policy": "sandbox; default-src 'none'",
  "Cache-Control": "no-store",
};

/**
 * Sends a file, or a folder as a tar archive, no faster than the browser takes it. Throws if it cannot be opened. If it ends
 * early the connection is cut, so that the browser does not keep a part as the whole.
 */
export async function sendDownload(
  outgoing: ServerResponse,
  path: string,
  ended: AbortController,
  open: () => Promise<Download>,
): Promise<void> {
  outgoing.once("close", () => ended.abort());
  const { head, pieces, close } = await open();
  try {
    outgoing.writeHead(200, {
      ...HEADERS,
      "Content-Disposition": disposition(head.what === "folder" ? `${path}.tar` : path),
      ...(head.bytes === undefined ? {} : { "Content-Length": head.bytes }),
    });
    for await (const bytes of pieces())
      if (!outgoing.write(bytes))
        await once(outgoing, "drain", { signal: AbortSignal.any([ended.signal, AbortSignal.timeout(STALL_MS)]) });
    outgoing.end();
  } catch {
    // The browser has gone, or the file is not what it was: either way only a cut connection tells the browser.
    outgoing.destroy();
  } finally {
    close();
  }
}

/** The header that names the file: its last part, without what could end or forge the header. */
function disposition(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const plain = name.replaceAll(/[^\w.+-]/g, "_");
  const exact = encodeURIComponent(name.toWellFormed()).replaceAll(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}
