import { Readable } from "node:stream";
import type { Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import { FLUSH, pkt } from "../transport/pkt-line.ts";
import { oneLine } from "../transport/push-report.ts";
import { readAdvertised } from "./advertisement.ts";
import type { GitServer } from "./server.ts";
import { dataOf, linesOf, Said } from "./side-band.ts";

/** Commits that a request names as known: the tips of all bases, and those of the newest branches. */
const MAX_HAVES = 256;

/**
 * The pack with the history of `wants` that the hive lacks, as bytes that no part of the daemon parses. The server is
 * asked once, with everything that the hive has, and without a dialogue about it.
 */
export async function* fetchPack(
  server: GitServer,
  { wants, haves }: { wants: readonly Sha[]; haves: readonly Sha[] },
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const conversation = await server.open("git-upload-pack", signal);
  try {
    const { capabilities } = readAdvertised(server.address, conversation.advertised);
    const used = ["ofs-delta", "thin-pack", "no-progress", "side-band-64k"].filter((one) => capabilities.has(one));
    const answer = await conversation.ask(Readable.from([requestFor({ wants, haves }, used)]));
    const said = new Said();
    const lines = linesOf(server.address, answer);
    if (!used.includes("side-band-64k"))
      throw new HiveError("bad_request", `${server.address} is too old: it cannot tell errors from history (side-band-64k)`);
    for await (const { content } of lines) {
      if (content === undefined) continue;
      const text = content.length < 64 ? content.toString("latin1") : "";
      if (/^(?:NAK|ACK [0-9a-f]{40}.*)\n?$/.test(text)) continue;
      if (text.startsWith("ERR ") || content.toString("latin1", 0, 4) === "ERR ")
        throw new HiveError("conflict", `${server.address} refuses: ${oneLine(content.toString("utf8").slice(4))}`);
      const data = dataOf(server.address, content, said);
      if (data !== undefined && data.length > 0) yield data;
    }
  } finally {
    conversation.close();
  }
}

function requestFor({ wants, haves }: { wants: readonly Sha[]; haves: readonly Sha[] }, used: readonly string[]): Buffer {
  const asked = wants.map((sha, index) => pkt(`want ${sha}${index === 0 ? ` ${used.join(" ")}` : ""}\n`));
  const known = haves.slice(0, MAX_HAVES).map((sha) => pkt(`have ${sha}\n`));
  return Buffer.concat([...asked, FLUSH, ...known, pkt("done\n")]);
}
