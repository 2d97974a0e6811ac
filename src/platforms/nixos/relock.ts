import { nix } from "../../os/nix/nix-sandbox.ts";
import { FLAKE_URL, LOCK_FILE, withFlake, type Flake, type FlakeDeps } from "./flake-folder.ts";
import { checkKinds, lockedRev, lockText, MAX_LOCK_BYTES, parseLock, withoutInput } from "./lock-file.ts";
import { inputOf } from "./meta-flake.ts";

/** Milliseconds. Locking takes a tenth of a second, and longer the first time, when hyperhive's own inputs are read. */
const LOCK_MS = 5 * 60_000;

/**
 * The `flake.lock` of a flake: that of before, with the input of the changed agent locked anew. Nix runs in the sandbox
 * and evaluates no code of an agent. Throws `NixError` with the reason if the agent's flake cannot be locked, and an
 * error if Nix has locked what it may not.
 */
export async function relock(
  { text, lock: before, changed }: Flake,
  deps: FlakeDeps,
  signal: AbortSignal = new AbortController().signal,
): Promise<string> {
  const parsed = before === undefined ? undefined : parseLock(before);
  const old = parsed && lockText(changed ? withoutInput(parsed, inputOf(changed.agent)) : parsed);
  const made = await withFlake({ text, lock: old, changed }, deps, (run) =>
    nix({
      ...run,
      argv: ["flake", "lock", FLAKE_URL],
      prints: LOCK_FILE,
      maxBytes: MAX_LOCK_BYTES,
      timeoutMs: LOCK_MS,
      signal,
    }),
  );
  const lock = parseLock(made);
  checkKinds(lock, deps);
  if (changed && lockedRev(lock, inputOf(changed.agent)) !== changed.rev)
    throw new Error(`Nix has locked ${inputOf(changed.agent)} at another commit than ${changed.rev}`);
  return made;
}
