import { isDeepStrictEqual } from "node:util";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readObjects } from "../../config-repos/store.ts";
import { RepoRefusal } from "../../config-repos/types.ts";
import { keepPath } from "../../os/nix/keep.ts";
import { NixError, type NixStore } from "../../os/nix/nix-sandbox.ts";
import { sandboxedRun } from "../../os/sandboxed-run.ts";
import { AgentConfig } from "../../wire/config.ts";
import { schemaComplaint } from "../../wire/error.ts";
import { CageTarget } from "../../wire/w4rden.ts";
import { bwrapDriver } from "../bwrap/driver.ts";
import { CageError, type Driver } from "../port.ts";
import type { BuildCandidate, BuildOptions, Platform, PlatformHost, ProposedConfig } from "../platform.ts";
import { GIT_ORDINAL, hostUid } from "../uids.ts";
import { buildSystem } from "./build.ts";
import { nixosDriver } from "./driver.ts";
import { evaluate } from "./evaluate.ts";
import { trialQueue } from "./trial-queue.ts";
import type { Flake, FlakeDeps } from "./flake-folder.ts";
import { FLAKE_FILE, FLAKE_LOCK, nixLedger } from "./ledger.ts";
import { parseLock } from "./lock-file.ts";
import { checkOwnLock } from "./own-lock.ts";
import { systemLink, systemOf } from "./system-link.ts";

/** The store of a NixOS host, and the socket of its daemon. */
export const HOST_STORE: NixStore = { folder: "/nix/store", socket: "/nix/var/nix/daemon-socket/socket" };

/**
 * Cages that are containers of a NixOS host, and a ledger that is a flake. A deploy evaluates and builds the system of its
 * agent in the host's store. Checks of changes and the log-in to the model run in bubblewrap: they are one command each,
 * and no agent's system.
 */
export function nixosPlatform({ hiveId, paths, containers, flake, store = HOST_STORE }: PlatformHost): Platform {
  const addressOf = (folder: string): string => `path:${folder}`;
  const folders = flake ? [flake.folder, ...Object.values(flake.inputs)] : [];
  const reads = folders.filter((folder) => !folder.startsWith("/nix/store/"));
  // As this user git reads repositories. It owns no file of the hive.
  const owner = (): { uid: number; gid: number } => {
    const ids = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    if (ids.uid !== 0) return ids;
    const uid = hostUid(hiveId, GIT_ORDINAL);
    return { uid, gid: uid };
  };
  const depsNow = (): FlakeDeps => ({
    sandboxedRun,
    applied: paths.applied,
    reads,
    store,
    scratch: paths.scratch,
    owner: owner(),
  });
  const inTurn = trialQueue();
  const bubblewrap = bwrapDriver();
  const own = nixosDriver({
    helperOf() {
      if (!containers) throw new CageError("containers need root's helper: start the hive with hive-w4rden start");
      return containers;
    },
    systemOf: ({ configDir }) => systemOf(configDir),
  });
  /** Ends the cage that an agent had in bubblewrap before the hive was moved here. */
  const endEarlier = async (place: Parameters<Driver["adopt"]>[0]): Promise<void> => (await bubblewrap.adopt(place))?.kill();
  return {
    driver: {
      ...own,
      async adopt(place) {
        await endEarlier(place);
        return own.adopt(place);
      },
      async destroy(place) {
        await endEarlier(place);
        await own.destroy(place);
      },
    },
    sideDriver: bubblewrap,
    ledger: nixLedger({
      sandboxedRun,
      hyperhive: addressOf(flake?.folder ?? "/"),
      inputs: Object.fromEntries(Object.entries(flake?.inputs ?? {}).map(([name, folder]) => [name, addressOf(folder)])),
      reads,
      owner,
    }),
    complaints: mountComplaints,
    evaluate: (config) => inTurn(config.by, () => tryConfig(config, paths.meta, depsNow()), config.signal),
    async build(candidate, options) {
      await buildGeneration(candidate, await flakeOf(candidate, paths.meta), depsNow(), options);
    },
    isBuilt: (generation) => systemOf(generation) !== undefined,
    sandboxedRun,
    evaluatesNix: true,
  };
}

/** Mounts at places that a container's configuration cannot name: they would be approved, and the agent would never start. */
export function mountComplaints({ mounts }: Pick<AgentConfig, "mounts">): string[] {
  return mounts.flatMap(({ cage }) => {
    const named = CageTarget.safeParse(cage);
    return named.success ? [] : [`mounts: ${cage} cannot be a place in a container: ${schemaComplaint(named.error)}`];
  });
}

/** Milliseconds. A request waits for it, where a deploy has the time of a build. */
const TRIAL_MS = 2 * 60_000;
const NEVER = new AbortController().signal;

/** Locks and evaluates a proposed config. Throws a `RepoRefusal` with Nix's complaint. */
async function tryConfig(
  { agent, lock, agentJson, signal = NEVER }: ProposedConfig,
  meta: string,
  deps: FlakeDeps,
): Promise<void> {
  try {
    const flake = await flakeOf({ agent, candidate: await lock() }, meta);
    checkOwnLock(agent, await ownLockOf(flake, deps.applied), parseLock(flake.lock ?? ""));
    checkConfig(await evaluate(agent, flake, deps, { signal, timeoutMs: TRIAL_MS }), agentJson);
  } catch (error) {
    if (error instanceof NixError) throw new RepoRefusal(error.message, { cause: error });
    throw error;
  }
}

/** The `flake.lock` that the config itself has. */
async function ownLockOf({ changed }: Flake, applied: string): Promise<string | undefined> {
  if (!changed) return undefined;
  const [file] = await readObjects(join(applied, `${changed.agent}.git`), [`${changed.rev}:${FLAKE_LOCK}`]);
  return file?.body.toString("utf8");
}

/** Evaluates what the candidate would run, compares it with what was approved, builds it and keeps it. */
async function buildGeneration(
  { agent, folder }: BuildCandidate,
  flake: Flake,
  deps: FlakeDeps,
  { signal, log }: BuildOptions,
): Promise<void> {
  log(`evaluating the system of ${agent}\n`);
  checkConfig(await evaluate(agent, flake, deps, { signal }), await readFile(join(folder, "agent.json"), "utf8"));
  log(`building the system of ${agent}\n`);
  const system = await buildSystem(agent, flake, deps, { signal, log });
  log(`built ${system}\n`);
  await keepPath(system, systemLink(folder), deps.store ?? HOST_STORE, deps.scratch);
}

/**
 * Throws if the Nix code of an agent makes another config than its agent.json. The operator has approved the risks of
 * that file, and the hive runs the agent with it.
 */
export function checkConfig(evaluated: unknown, agentJson: string): void {
  const made = AgentConfig.safeParse(evaluated);
  if (!made.success) throw new NixError(`hyperhive.* of the agent's Nix code: ${schemaComplaint(made.error)}`);
  const approved: Record<string, unknown> = AgentConfig.parse(JSON.parse(agentJson));
  const changed = Object.entries(made.data).filter(([key, value]) => !isDeepStrictEqual(value, approved[key]));
  if (changed.length === 0) return;
  throw new NixError(
    `agent.nix sets ${changed.map(([key]) => `hyperhive.${key}`).join(", ")} to another value than agent.json: set it in agent.json, which is what the operator approves`,
  );
}

/** The flake of a candidate, and the repository that it needs besides. */
async function flakeOf({ agent, candidate }: Pick<BuildCandidate, "agent" | "candidate">, meta: string): Promise<Flake> {
  const [text, lock, ledger] = await readObjects(
    join(meta, ".git"),
    [FLAKE_FILE, FLAKE_LOCK, "hive.lock"].map((name) => `${candidate}:${name}`),
  );
  if (!text || !lock || !ledger) throw new Error(`the ledger's candidate ${candidate} has no flake`);
  const { agents } = JSON.parse(ledger.body.toString("utf8")) as { agents: Record<string, { rev: string }> };
  const rev = agents[agent]?.rev;
  if (rev === undefined) throw new Error(`the ledger's candidate ${candidate} does not lock ${agent}`);
  return { text: text.body.toString("utf8"), lock: lock.body.toString("utf8"), changed: { agent, rev } };
}
