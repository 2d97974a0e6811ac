import { existsSync } from "node:fs";
import { chmod, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Recent } from "../lib/recent.ts";
import { removeTree } from "../os/remove-tree.ts";
import type { SandboxedRun } from "../os/sandboxed-run.ts";
import type { TreeFile } from "../wire/approval.ts";
import { appliedRepo } from "./applied.ts";
import { Gate } from "./gate.ts";
import { removeLocks } from "../os/git/refs.ts";
import { ensureProposed, proposedRepo, removeProposed } from "./proposed.ts";
import type { AppliedRepo, MetaRepo, RepoPaths, Repos } from "./types.ts";

/**
 * Files of commits that are kept: a request reads those of its commit and of what runs a dozen times until it is
 * deployed. A config has at most 1 MiB, most have a few KiB.
 */
const KEPT_FILES = { bytes: 16 * 1024 * 1024, count: 256 };

/** The parts that differ between platforms. */
export interface RepoDeps {
  ledger(paths: RepoPaths): MetaRepo;
  sandboxedRun: SandboxedRun;
}

/**
 * Opens the repositories of a hive. Creates their folders so that the manager's uid can enter those that it may read,
 * and removes unfinished work of an earlier daemon. Only one daemon may call it at a time.
 */
export async function openRepos(paths: RepoPaths, { ledger, sandboxedRun }: RepoDeps): Promise<Repos> {
  for (const folder of [paths.proposed, paths.applied, paths.meta]) {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
  }
  await mkdir(paths.scratch, { recursive: true });
  await chmod(paths.scratch, 0o700);
  for (const name of await readdir(paths.scratch)) await removeTree(join(paths.scratch, name));
  for (const name of await readdir(paths.applied)) await removeLocks(join(paths.applied, name));
  if (existsSync(join(paths.meta, ".git"))) await removeLocks(join(paths.meta, ".git"));

  const place = { top: paths.proposed, scratch: paths.scratch };
  const gate = new Gate();
  const recent = new Recent<TreeFile[]>(KEPT_FILES, bytesOf);
  const deps = { scratch: paths.scratch, sandboxedRun, recent };
  const opened = new Map<string, AppliedRepo>();
  const applied = (agent: string): AppliedRepo => {
    checkName(agent);
    const known = opened.get(agent) ?? gatedApplied(appliedRepo(join(paths.applied, `${agent}.git`), deps), gate);
    opened.set(agent, known);
    return known;
  };
  return {
    applied,
    meta: gatedMeta(ledger(paths), gate),
    candidatesOf: (other) => gatedMeta(other(paths), gate),
    still: (work) => gate.still(work),
    ensureProposed: (agent, from, owner) => ensureProposed(place, agent, { gitDir: applied(agent).folder, sha: from }, owner),
    proposed: (agent, owner) => proposedRepo(place, checkName(agent), owner),
    removeProposed: (agent) => removeProposed(place, checkName(agent)),
  };
}

/** Bytes that files take in memory. */
const bytesOf = (files: readonly TreeFile[]): number =>
  files.reduce((sum, { path, base64 }) => sum + path.length + base64.length, 0);

/** Writes to a repository go through the gate; reads do not. */
function gatedApplied(repo: AppliedRepo, gate: Gate): AppliedRepo {
  return {
    ...repo,
    ensure: () => gate.change(() => repo.ensure()),
    commit: (files, parents, facts) => gate.change(() => repo.commit(files, parents, facts)),
    fetch: (from, sha) => gate.change(() => repo.fetch(from, sha)),
    moveMain: (next, expected) => gate.change(() => repo.moveMain(next, expected)),
    tag: (facts) => gate.change(() => repo.tag(facts)),
    untag: (name) => gate.change(() => repo.untag(name)),
    remove: () => gate.change(() => repo.remove()),
  };
}

function gatedMeta(repo: MetaRepo, gate: Gate): MetaRepo {
  return {
    ...repo,
    ensure: () => gate.change(() => repo.ensure()),
    candidate: (parent, agent, entry, facts, signal) => gate.change(() => repo.candidate(parent, agent, entry, facts, signal)),
    publish: (next, expected) => gate.change(() => repo.publish(next, expected)),
    refreshCheckout: () => gate.change(() => repo.refreshCheckout()),
  };
}

/** A name becomes a folder here. Other code decides which names are allowed; this only ensures a single plain name. */
function checkName(agent: string): string {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(agent)) throw new Error(`"${agent}" cannot be the name of a repository`);
  return agent;
}
