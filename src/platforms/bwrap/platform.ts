import { metaRepo } from "../../config-repos/meta.ts";
import { sandboxedRun } from "../../os/sandboxed-run.ts";
import type { Platform } from "../platform.ts";
import { bwrapDriver } from "./driver.ts";

/** Cages by bubblewrap, and a ledger that is one file of hashes in a git repository. */
export function bwrapPlatform(): Platform {
  return {
    driver: bwrapDriver(),
    ledger: metaRepo,
    // A generation is its files: there is nothing to build.
    build: async () => {},
    isBuilt: () => true,
    sandboxedRun,
    evaluatesNix: false,
  };
}
