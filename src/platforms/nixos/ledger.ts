import { metaRepo } from "../../config-repos/meta.ts";
import type { Ledger } from "../../config-repos/types.ts";
import { NixError } from "../../os/nix/nix-sandbox.ts";
import type { SandboxedRun } from "../../os/sandboxed-run.ts";
import type { Platform } from "../platform.ts";
import { lockedRev, lockText, parseLock, withoutInput } from "./lock-file.ts";
import { inputLine, inputOf, metaFlake } from "./meta-flake.ts";
import { relock } from "./relock.ts";

/** What the ledger of a NixOS host needs besides its folders. */
export interface NixLedgerOptions {
  sandboxedRun: SandboxedRun;
  /** The address of hyperhive's flake, and the folders outside of the store that it and its inputs are in. */
  hyperhive: string;
  /** Addresses that replace inputs of hyperhive's flake, by name. */
  inputs?: Readonly<Record<string, string>>;
  reads: readonly string[];
  /** The user as whom Nix runs. */
  owner(): { uid: number; gid: number };
}

/** Nix's name of this machine. */
function thisSystem(): string {
  return `${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux`;
}

/** The files that the ledger has besides `hive.lock`. */
export const FLAKE_FILE = "flake.nix";
export const FLAKE_LOCK = "flake.lock";

/**
 * The deploy ledger of a NixOS host: `hive.lock`, as everywhere, and the flake that builds what it locks. Each commit
 * has both, so one compare-and-swap moves both. An agent whose flake cannot be locked is in `hive.lock` alone: it blocks
 * no deploy of another agent.
 */
export function nixLedger({ sandboxedRun, hyperhive, inputs, reads, owner }: NixLedgerOptions): Platform["ledger"] {
  return ({ meta, applied, scratch }) =>
    metaRepo(
      { meta, scratch },
      {
        names: [FLAKE_FILE, FLAKE_LOCK],
        async make({ ledger, agent, entry, before, signal }) {
          const deps = { sandboxedRun, applied, reads, scratch, owner: owner() };
          const textFor = (agents: readonly string[]): string =>
            metaFlake({ agents, applied, hyperhive, ...(inputs ? { inputs } : {}), system: thisSystem() });
          let lock = await before(FLAKE_LOCK);
          // A folder outside of the store may have changed under the same name: it is locked anew.
          if (lock !== undefined && reads.length > 0) lock = lockText(withoutInput(parseLock(lock), "hyperhive"));
          const flake = { text: (await before(FLAKE_FILE)) ?? "", lock };
          const { locked, missing } = split(ledger, agent, flake, applied);
          // One at a time: a run sees the repository of one agent. A hive that another platform has run, or that was moved
          // to another folder, has many.
          let isWhole = true;
          for (const name of missing) {
            const changed = { agent: name, rev: ledger[name]?.rev ?? "" };
            try {
              lock = await relock({ text: textFor([...locked, name]), lock, changed }, deps, signal);
              locked.push(name);
            } catch (error) {
              if (name === agent || !(error instanceof NixError)) throw error;
              // It stays missing, so each later deploy tries it again. Its own says why.
              isWhole = false;
            }
          }
          const text = textFor(locked);
          // What was removed or left out has no part in the lock.
          if (entry === undefined || missing.length === 0 || !isWhole)
            lock = await relock({ text, lock, changed: undefined }, deps, signal);
          return { [FLAKE_FILE]: text, [FLAKE_LOCK]: lock ?? "" };
        },
      },
    );
}

/** The agents whose commits a lock has, and those that it has to get: the one that changes is the last. */
function split(
  ledger: Ledger,
  changed: string,
  before: { text: string; lock: string | undefined },
  applied: string,
): { locked: string[]; missing: string[] } {
  const parsed = before.lock === undefined ? undefined : parseLock(before.lock);
  const [locked, missing]: [string[], string[]] = [[], []];
  for (const [name, { rev }] of Object.entries(ledger)) {
    if (name === changed) continue;
    const isLocked =
      parsed !== undefined && lockedRev(parsed, inputOf(name)) === rev && before.text.includes(inputLine(applied, name));
    (isLocked ? locked : missing).push(name);
  }
  return { locked, missing: ledger[changed] === undefined ? missing : [...missing, changed] };
}
