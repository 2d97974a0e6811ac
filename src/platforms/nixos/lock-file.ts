import { z } from "zod";

/** Bytes of a lock file: a hive with hundreds of agents has some hundred KiB. */
export const MAX_LOCK_BYTES = 8 * 1024 * 1024;

const Node = z.looseObject({
  inputs: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
  locked: z.looseObject({ type: z.string(), rev: z.string().optional(), url: z.string().optional() }).optional(),
});
const Lock = z.strictObject({ version: z.number(), root: z.string(), nodes: z.record(z.string(), Node) });
export type Lock = z.infer<typeof Lock>;

/** Reads a `flake.lock`. Throws an Error if it is none. */
export function parseLock(text: string): Lock {
  if (text.length > MAX_LOCK_BYTES) throw new Error(`flake.lock is longer than ${MAX_LOCK_BYTES} bytes`);
  const lock = Lock.parse(JSON.parse(text));
  if (!Object.hasOwn(lock.nodes, lock.root)) throw new Error("flake.lock has no root");
  return lock;
}

/** As Nix writes it. */
export function lockText(lock: Lock): string {
  return `${JSON.stringify(lock, null, 2)}\n`;
}

/**
 * The lock without one of the root's inputs, so that Nix locks that input anew and leaves the others. All versions of
 * Nix do that in the same way; to update one input they have different commands.
 */
export function withoutInput(lock: Lock, input: string): Lock {
  const root = lock.nodes[lock.root];
  const inputs = { ...root?.inputs };
  delete inputs[input];
  return { ...lock, nodes: { ...lock.nodes, [lock.root]: { ...root, inputs } } };
}

/** The commit that a lock has for one of the root's inputs. */
export function lockedRev(lock: Lock, input: string): string | undefined {
  const key = lock.nodes[lock.root]?.inputs?.[input];
  return typeof key === "string" ? lock.nodes[key]?.locked?.rev : undefined;
}
