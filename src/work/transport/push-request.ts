import { Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import { MAX_AGENT_BRANCHES } from "../../wire/limits.ts";
import { BadPkt, linesToFlush } from "./pkt-line.ts";

/** Git's value for a ref that does not exist. */
export const NONE = "0".repeat(40);
/** Bytes of the commands of one push: every branch of an agent with the longest name, and more than enough capabilities. */
const MAX_COMMAND_BYTES = 64 * 1024;

/** One wanted change of a ref. `old` and `new` are `NONE` for a creation and a removal. */
export interface Command {
  ref: string;
  old: Sha;
  new: Sha;
}

/** The head of a push. */
export interface PushHead {
  commands: Command[];
  capabilities: ReadonlySet<string>;
  /** Why none of it can be taken. */
  problem?: string;
}

/**
 * Reads the commands of a push from the start of its body. `rest` is what follows them: a new iteration goes on where
 * the last one stopped. Throws `bad_request` for anything but plain commands.
 */
export async function readPushHead(body: AsyncIterator<Buffer>): Promise<PushHead & { rest: AsyncIterable<Buffer> }> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const found = framed(bytes);
    if (found) return { ...parseCommands(found.lines), rest: remaining(bytes.subarray(found.end), body) };
    if (bytes.length > MAX_COMMAND_BYTES)
      throw new HiveError("too_large", `a push names at most ${MAX_AGENT_BRANCHES} branches: push them in parts`);
    const next = await body.next();
    if (next.done) throw new HiveError("bad_request", "the push ended before its commands");
    bytes = Buffer.concat([bytes, next.value]);
  }
}

function remaining(first: Buffer, body: AsyncIterator<Buffer>): AsyncIterable<Buffer> {
  let kept: Buffer | undefined = first.length > 0 ? first : undefined;
  return {
    async *[Symbol.asyncIterator]() {
      const one = kept;
      kept = undefined;
      if (one) yield one;
      for (let next = await body.next(); !next.done; next = await body.next()) yield next.value;
    },
  };
}

function framed(bytes: Buffer): ReturnType<typeof linesToFlush> {
  try {
    return linesToFlush(bytes);
  } catch (error) {
    throw error instanceof BadPkt ? new HiveError("bad_request", error.message, { cause: error }) : error;
  }
}

function parseCommands(lines: readonly Buffer[]): PushHead {
  const capabilities = new Set<string>();
  const commands: Command[] = [];
  let problem: string | undefined;
  for (const line of lines) {
    const [text = "", listed = ""] = line.toString("utf8").replace(/\n$/, "").split("\0");
    for (const one of listed.trim().split(" ")) if (one !== "") capabilities.add(one);
    const [, old, next, ref] = /^([0-9a-f]{40}) ([0-9a-f]{40}) (\S+)$/u.exec(text) ?? [];
    if (old !== undefined && next !== undefined && ref !== undefined) commands.push({ ref, old, new: next });
    else if (text.startsWith("shallow ")) problem = "a shallow clone cannot push: run git fetch --unshallow first";
    else throw new HiveError("bad_request", "the push has a command that is not served");
  }
  return { commands, capabilities, ...(problem === undefined ? {} : { problem }) };
}
