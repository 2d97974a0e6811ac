import { chown, mkdir, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { MAIN } from "../../os/git/folders.ts";
import { BORROWED, makeScratchRepo } from "../../os/git/scratch-repo.ts";
import { NIX_FOLDER, type NixRun, type NixStore } from "../../os/nix/nix-sandbox.ts";
import { removeTree } from "../../os/remove-tree.ts";
import type { SandboxedRun } from "../../os/sandboxed-run.ts";
import type { Sha } from "../../wire/approval.ts";

/** What Nix needs to read the flake of a hive. */
export interface FlakeDeps {
  sandboxedRun: SandboxedRun;
  /** The folder of the applied repositories, as the flake names it. */
  applied: string;
  /** Folders outside of the store that hyperhive's flake and its inputs are in. */
  reads: readonly string[];
  /** The host's store, which systems are built into. */
  store?: NixStore | undefined;
  /** For unfinished work. */
  scratch: string;
  /** The user as whom Nix runs. It may read the repositories and owns nothing. */
  owner: { uid: number; gid: number };
}

/** A flake that is not in the ledger yet. */
export interface Flake {
  text: string;
  lock: string | undefined;
  /** The agent that a candidate changes, with a commit that its applied repository has and its main need not. */
  changed: { agent: string; rev: Sha } | undefined;
}

/** The name of the flake's folder in the folder of a run, and its address there. */
const FLAKE = "meta";
export const FLAKE_URL = `path:${NIX_FOLDER}/${FLAKE}`;
export const LOCK_FILE = `${NIX_FOLDER}/${FLAKE}/flake.lock`;

/**
 * Runs `work` with what a run of Nix needs to see the flake, the repository of the changed agent and the store, and no
 * other file of the host. So an agent's flake cannot name the repository of another agent. In the sandbox, main of the
 * repository is the commit that would be deployed. Inputs of other agents are locked, and Nix does not read them.
 */
export async function withFlake<T>(
  { text, lock, changed }: Flake,
  { sandboxedRun, applied, reads, store, scratch, owner }: FlakeDeps,
  work: (run: Pick<NixRun, "sandboxedRun" | "folder" | "reads" | "owner" | "store">) => Promise<T>,
): Promise<T> {
  const folder = join(scratch, randomUUID());
  const files = { "flake.nix": text, ...(lock === undefined ? {} : { "flake.lock": lock }) };
  try {
    const made = ["", "home", FLAKE];
    for (const name of made) await mkdir(join(folder, name), { recursive: true, mode: 0o755 });
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(folder, FLAKE, name), content, { mode: 0o644 });
      made.push(join(FLAKE, name));
    }
    if (process.getuid?.() === 0) for (const name of made) await chown(join(folder, name), owner.uid, owner.gid);
    const seen = reads.map((host) => ({ host, at: host }));
    if (changed) {
      const repo = join(applied, `${changed.agent}.git`);
      const candidate = join(folder, "candidate.git");
      await makeScratchRepo(candidate, new Map([[MAIN, changed.rev]]), owner, { head: MAIN });
      seen.push({ host: candidate, at: repo }, { host: join(repo, "objects"), at: BORROWED });
    }
    return await work({ sandboxedRun, folder, reads: seen, owner, store });
  } finally {
    // What Nix puts into its store has no permission to write.
    await removeTree(folder);
  }
}
