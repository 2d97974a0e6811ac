import { z } from "zod";
import { nix, NixError } from "../../os/nix/nix-sandbox.ts";
import { systemAttribute } from "./evaluate.ts";
import { withFlake, type Flake, type FlakeDeps } from "./flake-folder.ts";

/** Milliseconds. A system with programs that no cache has may compile for hours. */
const BUILD_MS = 6 * 60 * 60_000;
/** Bytes of what Nix prints of one build. */
const MAX_PRINTED_BYTES = 64 * 1024;
/** What Nix prints of it. */
const Built = z.tuple([z.object({ outputs: z.object({ out: z.string() }) })]);

/**
 * Builds the system of an agent in the host's store and returns its path there. Nix's daemon does the work, as its own
 * users, with the settings of the host; it ends the builders when the run is cancelled. Throws `NixError` with the
 * complaint.
 */
export async function buildSystem(
  agent: string,
  flake: Flake,
  deps: FlakeDeps,
  { signal, log }: { signal: AbortSignal; log: (text: string) => void },
): Promise<string> {
  const argv = ["build", "--no-link", "--print-build-logs", "--json", systemAttribute(agent, "toplevel")];
  const printed = await withFlake(flake, deps, (run) =>
    nix({ ...run, argv, log, maxBytes: MAX_PRINTED_BYTES, timeoutMs: BUILD_MS, signal }),
  );
  const path = Built.parse(JSON.parse(printed))[0].outputs.out;
  const store = deps.store?.folder ?? "/nix/store";
  if (!path.startsWith(`${store}/`) || path.slice(store.length + 1).includes("/"))
    throw new NixError(`the system of ${agent} is ${path}, which is no path of the store`);
  return path;
}
