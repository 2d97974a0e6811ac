import { metaRepo } from "../../config-repos/meta.ts";
import type { SandboxedRun } from "../../os/sandboxed-run.ts";
import type { Platform } from "../platform.ts";
import { metaFlake } from "./meta-flake.ts";
import { relock } from "./relock.ts";

/** What the ledger of a NixOS host needs besides its folders. */
export interface NixLedgerOptions {
  sandboxedRun: SandboxedRun;
  /** The address of hyperhive's flake, and the folders outside of the store that it and its inputs are in. */
  hyperhive: string;
  reads: readonly string[];
  /** The user as whom Nix runs. */
  owner(): { uid: number; gid: number };
}

/** Nix's name of this machine. */
function thisSystem(): string {
  return `${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux`;
}

/**
 * The deploy ledger of a NixOS host: `hive.lock`, as everywhere, and the flake that builds what it locks. Each commit
 * has both, so one compare-and-swap moves both.
 */
export function nixLedger({ sandboxedRun, hyperhive, reads, owner }: NixLedgerOptions): Platform["ledger"] {
  return ({ meta, applied, scratch }) =>
    metaRepo(
      { meta, scratch },
      {
        names: ["flake.nix", "flake.lock"],
        async make({ ledger, agent, entry, before }) {
          const text = metaFlake({ agents: Object.keys(ledger), applied, hyperhive, system: thisSystem() });
          const flake = {
            text,
            lock: await before("flake.lock"),
            changed: entry === undefined ? undefined : { agent, rev: entry.rev },
          };
          const lock = await relock(flake, { sandboxedRun, applied, reads, scratch, owner: owner() });
          return { "flake.nix": text, "flake.lock": lock };
        },
      },
    );
}
