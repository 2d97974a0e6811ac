import type { Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import { BadPkt, linesToFlush } from "../transport/pkt-line.ts";
import { oneLine } from "../transport/push-report.ts";

/** What a git server lists: its refs with their objects, and what it can do. */
export interface Advertised {
  refs: Map<string, Sha>;
  /** What annotated tags name, by the tag's ref. */
  peeled: Map<string, Sha>;
  /** The branch that HEAD names. Undefined if it is detached, or if there is none. */
  head: string | undefined;
  capabilities: ReadonlySet<string>;
}

const PEELED = "^{}";

/** Reads a list of refs in protocol version 0. Throws a HiveError that names the server for anything else. */
export function readAdvertised(address: string, bytes: Buffer): Advertised {
  const result: Advertised = { refs: new Map(), peeled: new Map(), head: undefined, capabilities: new Set() };
  const texts = linesOf(address, bytes).map((line) => line.toString("utf8").replace(/\n$/, ""));
  const [first] = texts;
  if (first?.startsWith("ERR ")) throw new HiveError("conflict", `${address} refuses: ${oneLine(first.slice(4))}`);
  for (const text of texts) {
    if (/^version \d$/.test(text)) continue;
    const [line = "", offered] = text.split("\0");
    if (offered !== undefined) result.capabilities = new Set(offered.split(" ").filter(Boolean));
    if (line.startsWith("shallow "))
      throw new HiveError("bad_request", `${address} is a shallow clone: its history is not whole`);
    const [, sha, ref] = /^([0-9a-f]{40}) (\S+)$/.exec(line) ?? [];
    if (sha === undefined || ref === undefined) {
      if (/^[0-9a-f]{64} /.test(line)) throw new HiveError("bad_request", `${address} uses SHA-256, which the hive does not`);
      throw notGit(address);
    }
    // An empty repository lists its capabilities alone.
    if (ref === `capabilities${PEELED}`) continue;
    if (ref.endsWith(PEELED)) result.peeled.set(ref.slice(0, -PEELED.length), sha);
    else result.refs.set(ref, sha);
  }
  for (const capability of result.capabilities) {
    const [, head] = /^symref=HEAD:refs\/heads\/(.+)$/.exec(capability) ?? [];
    if (head !== undefined) result.head = head;
  }
  return result;
}

function linesOf(address: string, bytes: Buffer): Buffer[] {
  try {
    const read = linesToFlush(bytes);
    if (read) return read.lines;
  } catch (error) {
    if (!(error instanceof BadPkt)) throw error;
  }
  throw notGit(address);
}

const notGit = (address: string): HiveError =>
  new HiveError("bad_request", `${address} does not speak git's protocol: check the address`);
