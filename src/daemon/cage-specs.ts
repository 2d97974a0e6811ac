import type { CageSpecs as CageSpecsPort } from "../agents/cages.ts";
import { CageError, type CageSpec, type Driver, type Identity } from "../platforms/port.ts";
import type { Platform } from "../platforms/platform.ts";
import { LAST_ORDINAL, MAX_AGENTS } from "../platforms/uids.ts";
import type { Agent } from "../agents/agent.ts";
import type { Paths } from "../lib/paths.ts";
import { mountOwners, type MountOwners } from "../store/approvals.ts";
import type { Store } from "../store/store.ts";
import { cageSpec, type CageSpecDeps } from "./cage-spec.ts";
import { tryMounts } from "./mounts.ts";
import type { W4rden } from "./w4rden.ts";

export interface CageSpecsDeps {
  hiveId: string;
  paths: Paths;
  runtime: { revision: string; dir: string };
  warmMs: number;
  store: Store;
  platform: Pick<Platform, "sandboxedRun"> & { driver: Pick<Driver, "identityFor"> };
  w4rden?: W4rden | undefined;
}

/** Builds the specifications of this hive's cages from the agents' deployed configs and their approvals. */
export class CageSpecs implements CageSpecsPort {
  readonly #specDeps: CageSpecDeps;
  readonly #platform: CageSpecsDeps["platform"];

  constructor({ store, platform, ...rest }: CageSpecsDeps) {
    this.#platform = platform;
    this.#specDeps = { ...rest, mountOwners: (agent) => ownersOf(store, agent) };
  }

  /** The whole specification. Creates its folders and files. Only a generation that has to confirm gets a `nonce`. */
  async of(agent: Agent, nonce?: string): Promise<CageSpec> {
    return cageSpec(agent, this.#specDeps, nonce);
  }

  /** The host identity of the nth agent. Throws if the hive has had as many agents as it can have. */
  identityFor(ordinal: number): Identity {
    if (ordinal >= MAX_AGENTS) throw new CageError(`a hive can have at most ${MAX_AGENTS} agents of all time`);
    return this.reservedIdentity(ordinal);
  }

  /** The host identity of an ordinal that is no agent's. */
  reservedIdentity(ordinal: number): Identity {
    return this.#platform.driver.identityFor(this.#specDeps.hiveId, ordinal);
  }

  /**
   * The agent's host identity. A spawn has no agent yet, so it gets the last identity. Like that of a new agent, it
   * owns nothing on the host.
   */
  identityOf(agent: Agent | undefined): Identity {
    return agent?.record.identity ?? this.reservedIdentity(LAST_ORDINAL);
  }

  /** Identifies the agent's cage. Works whatever its config and its mounts are. */
  place({ id }: Agent): Pick<CageSpec, "cageDir" | "hiveId" | "agentId"> {
    const { paths, hiveId } = this.#specDeps;
    return { cageDir: paths.agent(id).cage, hiveId, agentId: id };
  }

  /** Problems with the agent's mounts on this host now. Each is a sentence that names the folder. */
  async mountProblems(agent: Agent): Promise<string[]> {
    const { paths, w4rden, mountOwners: owners } = this.#specDeps;
    const trials = await tryMounts(
      agent.config.mounts,
      { identity: agent.record.identity, paths, sandboxedRun: this.#platform.sandboxedRun, w4rden },
      owners(agent),
    );
    return trials.flatMap(({ problem }) => problem ?? []);
  }
}

/**
 * The id maps that the agent's generation was approved with. A generation has the id of its request. Old ones have no
 * map.
 */
function ownersOf(store: Store, { name, generation }: Agent): MountOwners {
  const row = store.approvals.byId(generation);
  return row?.name === name ? mountOwners(row) : {};
}
