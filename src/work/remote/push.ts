import { Readable } from "node:stream";
import type { Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import { FLUSH, pkt } from "../transport/pkt-line.ts";
import { oneLine, readReport } from "../transport/push-report.ts";
import { NONE } from "../transport/push-request.ts";
import { readAdvertised } from "./advertisement.ts";
import type { GitServer } from "./server.ts";
import { dataOf, linesOf, Said } from "./side-band.ts";

/** Bytes of a report: a few lines. */
const MAX_REPORT_BYTES = 64 * 1024;

/** Branches of the server whose history is left out of a pack. */
const MAX_HAVES = 10_000;

/** How a push ended. `lost`: the ref is not where it was expected. `refused`: the server does not want it, and says why. */
export type Pushed = { end: "pushed" } | { end: "lost"; now: Sha | undefined } | { end: "refused"; why: string };

/** A move of one ref by compare-and-swap. `from` undefined creates it. */
export interface RefMove {
  ref: string;
  from: Sha | undefined;
  to: Sha;
  /** Moves it from wherever it is. For refs that only the hive writes. */
  isOwn?: boolean;
  /** `to` need not contain `from`, as on a branch that is written anew. The ref still has to be at `from`. */
  isRewrite?: boolean;
}

/**
 * Moves a ref of a server from one commit to another, or not at all: git's protocol itself is a compare-and-swap. `pack`
 * gives the objects, for a server that has these commits. If it throws, whether the ref has moved is not known.
 */
export async function pushRef(
  server: GitServer,
  { ref, from, to, isOwn = false }: RefMove,
  pack: (haves: readonly Sha[]) => AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<Pushed> {
  const conversation = await server.open("git-receive-pack", signal);
  try {
    const { refs, capabilities } = readAdvertised(server.address, conversation.advertised);
    const now = refs.get(ref);
    if (now === to) return { end: "pushed" };
    if (!isOwn && now !== from) return { end: "lost", now };
    const used = ["report-status", "side-band-64k", "ofs-delta"].filter((one) => capabilities.has(one));
    if (!used.includes("report-status"))
      throw new HiveError("bad_request", `${server.address} is too old: it does not report how a push ends`);
    const command = Buffer.concat([pkt(`${now ?? NONE} ${to} ${ref}\0 ${used.join(" ")}`), FLUSH]);
    const branches = [...refs].flatMap(([one, sha]) => (one.startsWith("refs/heads/") ? [sha] : []));
    const objects = pack([...new Set(branches)].slice(0, MAX_HAVES));
    const answer = await conversation.ask(Readable.from(bodyOf(command, objects)));
    return await reportOf(server.address, answer, ref, used.includes("side-band-64k"));
  } finally {
    conversation.close();
  }
}

async function* bodyOf(command: Buffer, objects: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  yield command;
  yield* objects;
}

async function reportOf(address: string, answer: AsyncIterable<Buffer>, ref: string, hasBands: boolean): Promise<Pushed> {
  const said = new Said();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const add = (chunk: Buffer | undefined): void => {
    if (chunk === undefined) return;
    bytes += chunk.length;
    if (bytes > MAX_REPORT_BYTES) throw new HiveError("too_large", `${address} answers a push with too much`);
    chunks.push(chunk);
  };
  if (hasBands)
    for await (const { content } of linesOf(address, answer))
      add(content === undefined ? undefined : dataOf(address, content, said));
  else for await (const chunk of answer) add(chunk);
  const report = readReport(Buffer.concat(chunks));
  if (!report) throw new HiveError("unavailable", `${address} did not report how the push ended: try again`);
  const words = said.words === "" ? "" : ` (${said.words})`;
  if (report.unpack !== undefined) return { end: "refused", why: `${oneLine(report.unpack)}${words}` };
  const why = report.refs.has(ref) ? report.refs.get(ref) : "the server did not report it";
  return why === undefined ? { end: "pushed" } : { end: "refused", why: `${oneLine(why)}${words}` };
}
