import { nix } from "../../os/nix/nix-sandbox.ts";
import { FLAKE_URL, withFlake, type Flake, type FlakeDeps } from "./flake-folder.ts";

/** Bytes of a config as JSON: more than one can have. */
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;
/** Milliseconds. Evaluating a NixOS system takes 3 s. */
const EVALUATE_MS = 10 * 60_000;

/** The address of a part of an agent's system. */
export const systemAttribute = (agent: string, path: string): string =>
  `${FLAKE_URL}#nixosConfigurations.${agent}.config.system.build.${path}`;

/**
 * The config of an agent as its Nix code makes it, in the form of agent.json, not yet checked. Throws `NixError` with
 * Nix's complaint, with file and line. Nothing is written to the store, because the operator has not approved this code.
 */
export async function evaluate(
  agent: string,
  flake: Flake,
  deps: FlakeDeps,
  { signal, timeoutMs = EVALUATE_MS }: { signal: AbortSignal; timeoutMs?: number },
): Promise<unknown> {
  const json = await withFlake(flake, deps, (run) =>
    nix({
      ...run,
      argv: ["eval", "--read-only", "--json", systemAttribute(agent, "agentJson")],
      maxBytes: MAX_CONFIG_BYTES,
      timeoutMs,
      signal,
    }),
  );
  return JSON.parse(json) as unknown;
}
