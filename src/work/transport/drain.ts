/** Bytes of one pack: a change with its pictures. More is a repository, which the operator adds. */
export const MAX_PACK_BYTES = 512 * 1024 * 1024;

/** Time for that. It is short, because the push holds a slot meanwhile. Milliseconds. */
const DRAIN_MS = 30_000;

/**
 * Reads what is left of a push and drops it, up to the size of one and for a short time: a client that is answered while it writes does not
 * read the answer. Never rejects.
 */
export async function drain(rest: AsyncIterable<Buffer>): Promise<void> {
  const end = performance.now() + DRAIN_MS;
  let bytes = 0;
  try {
    for await (const chunk of rest) {
      bytes += chunk.length;
      if (bytes > MAX_PACK_BYTES || performance.now() > end) return;
    }
  } catch {
    // The client has gone, or its stream is broken: there is nothing left to read.
  }
}
