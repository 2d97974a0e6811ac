import { Writable } from "node:stream";
import { GitError } from "../../os/git/git.ts";
import { runStreams } from "../../os/run-streams.ts";
import { HiveError } from "../../wire/error.ts";
import type { Scratch } from "../git/worker.ts";

const MIB = 1024 * 1024;
/**
 * Bytes of one unpacked commit, tree or tag: git holds it whole in memory, whenever it walks the history. A folder with
 * several hundred thousand files fits. A pack may hold a thousand times its own size.
 */
const MAX_META_BYTES = 32 * MIB;
/** Bytes of one unpacked file. A pack of this size is the most that a push has. */
const MAX_BLOB_BYTES = 512 * MIB;

/** Time to list the sizes of a pack with millions of objects. Milliseconds. */
const LIST_MS = 10 * 60_000;
/** Bytes of the list of large objects. A list that is longer is refused. */
const MAX_LIST_BYTES = 4 * MIB;

/**
 * Prints the objects of the packs in the scratch repository whose sizes have so many digits that they may be too large,
 * and a line of another form if an object or its size cannot be read.
 */
const LARGE_OBJECTS = `
for index in /repo/objects/pack/*.idx; do
  [ ! -e "$index" ] || git show-index < "$index" || echo '- unreadable'
done |
  cut -d ' ' -f 2 |
  { nice -n 10 git cat-file --buffer --batch-check='%(objecttype) %(objectsize) %(objectname)' || echo failed; } |
  grep -Ev '^((commit|tree|tag) [0-9]{1,7}|blob [0-9]{1,8}) ' || [ $? = 1 ]
`;

/**
 * Throws `too_large` if a new object of a scratch repository is larger than git can handle in a short time. `ended` ends
 * the check.
 */
export async function checkObjectSizes(scratch: Scratch, ended: AbortSignal): Promise<void> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= MAX_LIST_BYTES) chunks.push(chunk);
      done();
    },
  });
  const { code, stderr, tooLong } = await runStreams(scratch.start(LARGE_OBJECTS, []), { output, timeoutMs: LIST_MS, ended });
  if (tooLong || bytes > MAX_LIST_BYTES) throw new HiveError("too_large", "the push has too many objects: push less at once");
  if (code !== 0) throw new GitError(`listing the sizes of objects: ${stderr.trim()} (exit ${code ?? "by a signal"})`);
  checkSizes(Buffer.concat(chunks).toString("latin1"));
}

/** Throws `too_large` for the first line `<type> <bytes> <object>` that is over the limit of its type. */
export function checkSizes(lines: string): void {
  for (const line of lines.split("\n").filter((one) => one !== "")) {
    const [, type, size, sha] = /^(commit|tree|tag|blob) ([0-9]+) ([0-9a-f]{40})$/.exec(line) ?? [];
    if (type === undefined || sha === undefined) throw new GitError(`listing the sizes of objects: ${line}`);
    const most = type === "blob" ? MAX_BLOB_BYTES : MAX_META_BYTES;
    if (Number(size) <= most) continue;
    const name = type === "blob" ? "file" : type;
    throw new HiveError(
      "too_large",
      `the ${name} ${sha.slice(0, 12)} has ${Math.ceil(Number(size) / MIB)} MiB unpacked, and a ${name} has at most ${most / MIB}: make it smaller, then push again`,
    );
  }
}
