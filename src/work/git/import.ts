import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { killGroup, type Program } from "../../os/run-bytes.ts";
import { HiveError } from "../../wire/error.ts";
import type { Sha } from "../../wire/approval.ts";
import { outcome } from "./folder-source.ts";
import type { UpstreamRefs } from "./upstream-refs.ts";
import type { GitWorker } from "./worker.ts";

/** Bytes and objects of one repository. A larger one does not fit the time that a transfer may take. */
export const MAX_REPO_BYTES = 4 * 1024 ** 3;
export const MAX_REPO_OBJECTS = 1_000_000;
/** Time for one transfer. Milliseconds. */
const TRANSFER_MS = 60 * 60_000;

/** What is copied: the history of `wants` that is not in the history of `haves`. */
export interface Ends {
  wants: readonly Sha[];
  haves: readonly Sha[];
}

/** A transfer that runs. */
export interface Sending {
  pack: Readable;
  /** Resolves when all of the pack was sent. Rejects with the reason if it was not. */
  ended: Promise<void>;
  /** Ends it. */
  end(): void;
}

/** A place from which a repository gets its history. */
export interface HistorySource {
  /** Its folder or address, for people. */
  readonly where: string;
  /** Lists branches and tags. */
  list(signal?: AbortSignal): Promise<UpstreamRefs>;
  /** Begins to send a pack. What the source does not have of `haves` is left out. */
  send(ends: Ends): Sending;
  /** Settings of `git index-pack` for what it sends. */
  readonly checks?: string;
}

/**
 * Copies the history of `wants` from an upstream into a repository of the hive, without a ref. The objects are checked
 * in the sandbox: their number and size, and that the history is whole. They are on stable storage when it resolves.
 * `report` gets the bytes so far.
 */
export async function copyHistory(
  git: GitWorker,
  repo: string,
  source: HistorySource,
  { wants, haves }: Ends,
  { signal, report }: { signal?: AbortSignal | undefined; report?: ((bytes: number) => void) | undefined } = {},
): Promise<void> {
  const ends = [...wants, ...haves.map((have) => `^${have}`)].join("\n");
  await git.withScratch(repo, {}, async (scratch) => {
    await writeFile(join(scratch.folder, "ends"), `${ends}\n`, { mode: 0o644 });
    const writer = scratch.start(take(source.checks), []);
    await pipe(source, source.send({ wants, haves }), writer, { signal, report });
    await scratch.keepObjects();
  });
}

/** How `take` ends if the history is not whole: no program of it ends so. */
const NOT_WHOLE = 86;

/** The script that stores a pack and then checks the history of the file `ends`. One sandbox: each costs six processes. */
const take = (checks = ""): string => `
git index-pack --stdin --fix-thin ${checks} --max-input-size=${MAX_REPO_BYTES} > /dev/null 2> /tmp/said || { end=$?; cat /tmp/said >&2; exit $end; }
git rev-list --objects --quiet --stdin < /repo/ends || exit ${NOT_WHOLE}`;

/** Bytes before the number of objects in a pack, and with it. */
const PACK_COUNT_AT = 8;
const PACK_HEADER = 12;

async function pipe(
  { where }: HistorySource,
  sending: Sending,
  writer: Program,
  { signal, report }: { signal?: AbortSignal | undefined; report?: ((bytes: number) => void) | undefined },
): Promise<void> {
  let complaint: Error | undefined;
  const endAll = (): void => {
    sending.end();
    killGroup(writer);
  };
  const end = (error: Error): void => {
    complaint ??= error;
    endAll();
  };
  const timer = setTimeout(
    () => end(new HiveError("unavailable", `copying ${where} took longer than ${TRANSFER_MS / 60_000} minutes`)),
    TRANSFER_MS,
  );
  const giveUp = (): void => end(new HiveError("unavailable", `copying ${where} was given up`));
  signal?.addEventListener("abort", giveUp, { once: true });
  // It may have been given up while the scratch repository was made.
  if (signal?.aborted === true) giveUp();
  let bytes = 0;
  let head = Buffer.alloc(0);
  sending.pack.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (head.length < PACK_HEADER) head = Buffer.concat([head, chunk]).subarray(0, PACK_HEADER);
    if (head.length === PACK_HEADER && head.readUInt32BE(PACK_COUNT_AT) > MAX_REPO_OBJECTS)
      end(new HiveError("too_large", `${where} has more than ${MAX_REPO_OBJECTS} objects`));
    if (bytes > MAX_REPO_BYTES) end(new HiveError("too_large", `${where} has more than ${MAX_REPO_BYTES} bytes`));
    report?.(bytes);
  });
  if (writer.stdin) sending.pack.pipe(writer.stdin);
  // A process that ends early breaks its pipe; its exit gives the reason.
  writer.stdin?.on("error", () => {});
  try {
    let first: "sender" | "writer" | undefined;
    const sent = sending.ended.then(
      () => undefined,
      (error: unknown) => {
        first ??= "sender";
        // It waits for what will not come any more.
        killGroup(writer);
        return error;
      },
    );
    const wrote = await outcome(writer);
    first ??= "writer";
    // It has the whole pack, or refuses it. Either way it reads no more, so a sender that has more would wait for ever.
    sending.end();
    const failure = await sent;
    if (complaint) throw complaint;
    if (failure !== undefined && first === "sender") throw failure;
    if (wrote.code === NOT_WHOLE)
      throw new HiveError("bad_request", `the history of ${where} is not whole: ${wrote.said.trim()}`);
    if (wrote.code !== 0) throw new HiveError("bad_request", `git refuses the objects of ${where}: ${wrote.said.trim()}`);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
    endAll();
  }
}
