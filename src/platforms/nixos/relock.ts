import { chown, mkdir, rm, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { BORROWED, makeScratchRepo } from "../../os/git/scratch-repo.ts";
import { MAIN } from "../../os/git/folders.ts";
import { nix, NIX_FOLDER } from "../../os/nix/nix-sandbox.ts";
import type { SandboxedRun } from "../../os/sandboxed-run.ts";
import type { Sha } from "../../wire/approval.ts";
import { MAX_LOCK_BYTES, parseLock, lockedRev, lockText, withoutInput } from "./lock-file.ts";
import { inputOf } from "./meta-flake.ts";

/** What locking a flake needs. */
export interface RelockDeps {
  sandboxedRun: SandboxedRun;
  /** The folder of the applied repositories, as the flake names it. */
  applied: string;
  /** Folders outside of the store that the flake's other inputs are in. */
  reads: readonly string[];
  /** For unfinished work. */
  scratch: string;
  /** The user as whom Nix runs. It may read the repositories and owns nothing. */
  owner: { uid: number; gid: number };
}

/** Milliseconds. Locking takes a tenth of a second, and longer the first time, when hyperhive's own inputs are read. */
const LOCK_MS = 5 * 60_000;
const FLAKE = "meta";

/**
 * The `flake.lock` of a flake: that of before with one input locked anew, at a commit of the agent's applied repository
 * that its main need not have yet. Nix runs in the sandbox and sees the flake, the applied repositories and the store.
 * Throws `NixError` with the reason if the agent's flake cannot be locked.
 */
export async function relock(
  flake: { text: string; before: string | undefined; changed: { agent: string; rev: Sha } | undefined },
  deps: RelockDeps,
  signal: AbortSignal = new AbortController().signal,
): Promise<string> {
  const folder = join(deps.scratch, randomUUID());
  try {
    await writeOwned(folder, flake, deps.owner);
    const reads = [deps.applied, ...deps.reads].map((host) => ({ host, at: host }));
    if (flake.changed) {
      const { agent, rev } = flake.changed;
      const repo = join(deps.applied, `${agent}.git`);
      // In the sandbox, main of the agent's repository is the commit that would be deployed.
      const candidate = join(folder, "candidate.git");
      await makeScratchRepo(candidate, new Map([[MAIN, rev]]), deps.owner, { head: MAIN });
      reads.push({ host: candidate, at: repo }, { host: join(repo, "objects"), at: BORROWED });
    }
    const text = await nix({
      sandboxedRun: deps.sandboxedRun,
      folder,
      reads,
      owner: deps.owner,
      argv: ["flake", "lock", `path:${NIX_FOLDER}/${FLAKE}`],
      prints: `${NIX_FOLDER}/${FLAKE}/flake.lock`,
      maxBytes: MAX_LOCK_BYTES,
      timeoutMs: LOCK_MS,
      signal,
    });
    checkLocked(text, flake.changed);
    return text;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes the flake where Nix may write, too. */
async function writeOwned(folder: string, flake: Parameters<typeof relock>[0], { uid, gid }: RelockDeps["owner"]): Promise<void> {
  const files = new Map([[`${FLAKE}/flake.nix`, flake.text]]);
  if (flake.before !== undefined) {
    const before = parseLock(flake.before);
    files.set(`${FLAKE}/flake.lock`, lockText(flake.changed ? withoutInput(before, inputOf(flake.changed.agent)) : before));
  }
  const folders = ["", "home", FLAKE];
  for (const name of folders) await mkdir(join(folder, name), { recursive: true, mode: 0o755 });
  for (const [name, text] of files) await writeFile(join(folder, name), text, { mode: 0o644 });
  if (process.getuid?.() !== 0) return;
  for (const name of [...folders, ...files.keys()]) await chown(join(folder, name), uid, gid);
}

/** Nix reads what agents wrote. What it locked is checked before anything is built from it. */
function checkLocked(text: string, changed: { agent: string; rev: Sha } | undefined): void {
  const lock = parseLock(text);
  if (changed && lockedRev(lock, inputOf(changed.agent)) !== changed.rev)
    throw new Error(`Nix has locked ${inputOf(changed.agent)} at another commit than ${changed.rev}`);
}
