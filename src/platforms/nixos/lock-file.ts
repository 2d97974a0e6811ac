import { z } from "zod";
import { NixError } from "../../os/nix/nix-sandbox.ts";
import { inputOf } from "./meta-flake.ts";

/** Bytes of a lock file: a hive with hundreds of agents has some hundred KiB. */
export const MAX_LOCK_BYTES = 8 * 1024 * 1024;

const Node = z.looseObject({
  inputs: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
  locked: z
    .looseObject({ type: z.string(), rev: z.string().optional(), url: z.string().optional(), path: z.string().optional() })
    .optional(),
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

/** Where files of the host may come from besides the agents' repositories. */
const STORE = "/nix/store";

/**
 * Throws if a lock has an input that comes from a file of the host which the flake may not read. Nix saw no other file
 * in its sandbox, but what builds the lock later may. Each agent's own repository is an input of the root; inputs of a
 * network name their content by a hash.
 */
export function checkKinds(lock: Lock, { applied, reads }: { applied: string; reads: readonly string[] }): void {
  const own = new Map(
    Object.entries(lock.nodes[lock.root]?.inputs ?? {}).flatMap(([name, key]) =>
      typeof key === "string" && name.startsWith(inputOf("")) ? [[key, `${applied}/${name.slice(inputOf("").length)}.git`]] : [],
    ),
  );
  for (const [key, { locked }] of Object.entries(lock.nodes)) {
    const file = locked && fileOf(locked);
    if (file === undefined || file === own.get(key) || isBelow(file)) continue;
    if (![STORE, ...reads].some((folder) => file === folder || file.startsWith(`${folder}/`)))
      throw new NixError(`the input ${key} is ${file}, a file of the host: name a repository or an archive of the network`);
  }
}

/** True for a path below the flake that names it. */
const isBelow = (path: string): boolean => !path.startsWith("/") && !path.split("/").includes("..");

function fileOf({
  type,
  path,
  url = "",
}: {
  type: string;
  path?: string | undefined;
  url?: string | undefined;
}): string | undefined {
  if (type === "path") return path ?? "";
  return url.startsWith("file:") ? decodeURI(url.replace(/^file:(?:\/\/)?/, "")) : undefined;
}
