import { isDeepStrictEqual } from "node:util";
import { NixError } from "../../os/nix/nix-sandbox.ts";
import { parseLock, type Lock } from "./lock-file.ts";
import { inputOf } from "./meta-flake.ts";

/** Pairs of inputs that are compared: an agent writes one of the locks. Nixpkgs' largest users have some hundred. */
const MAX_PAIRS = 10_000;
/** Characters of an input's path in an error. */
const MAX_PATH_CHARS = 200;

/**
 * Throws a `NixError` if the `flake.lock` of an agent's config does not fit its `flake.nix`. Nix would lock what has
 * changed by itself, and the agent would run with other inputs than the diff of the request shows. `text` is the agent's
 * file, `made` the lock of the flake of the hive with this config. A config without such a file is locked by the hive.
 */
export function checkOwnLock(agent: string, text: string | undefined, made: Lock): void {
  if (text === undefined) return;
  const input = staleInput(ownLock(text), made, inputOf(agent));
  if (input === undefined) return;
  throw new NixError(
    `flake.lock does not fit flake.nix: the input ${input.slice(0, MAX_PATH_CHARS)} is locked otherwise than flake.nix has it. Make it anew (nix flake lock), or remove it: the hive locks what a config leaves open`,
  );
}

function ownLock(text: string): Lock {
  try {
    return parseLock(text);
  } catch (error) {
    throw new NixError(`flake.lock cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The first input, as a slash path, that two locks have otherwise: the one below its root, the other below `entry`. */
function staleInput(own: Lock, made: Lock, entry: string): string | undefined {
  const key = made.nodes[made.root]?.inputs?.[entry];
  const left: { path: string; mine: string; its: string }[] = [
    { path: "", mine: own.root, its: typeof key === "string" ? key : "" },
  ];
  const seen = new Set<string>();
  for (let pair = left.pop(); pair; pair = left.pop()) {
    const { path, mine, its } = pair;
    const [a, b] = [own.nodes[mine], made.nodes[its]];
    // The root has no lock of its own.
    if (path !== "" && !isDeepStrictEqual(a?.locked, b?.locked)) return path;
    const id = JSON.stringify([mine, its]);
    if (seen.has(id)) continue;
    seen.add(id);
    if (seen.size > MAX_PAIRS) throw new NixError(`flake.lock has more than ${MAX_PAIRS} inputs: name fewer`);
    for (const name of new Set([...Object.keys(a?.inputs ?? {}), ...Object.keys(b?.inputs ?? {})])) {
      const [below, other] = [a?.inputs?.[name], b?.inputs?.[name]];
      const deeper = path === "" ? name : `${path}/${name}`;
      if (typeof below === "string" && typeof other === "string") left.push({ path: deeper, mine: below, its: other });
      // An input that follows another one has no lock of its own.
      else if (!Array.isArray(below) || !Array.isArray(other)) return deeper;
    }
  }
  return undefined;
}
