import type { CageSpecs as CageSpecsPort } from "../agents/cages.ts";
import type { CageSpec, Driver, Identity } from "../platforms/port.ts";
import { LAST_ORDINAL } from "../platforms/uids.ts";
import type { Agent } from "../agents/agent.ts";
import type { Paths } from "../lib/paths.ts";
import { mountOwners, type MountOwners } from "../store/approvals.ts";
import type { Store } from "../store/store.ts";
import { cageSpec, type CageFacts } from "./cage-spec.ts";
import { tryMounts } from "./mounts.ts";

export interface CageSpecsDeps {
  hiveId: string;
  paths: Paths;
  runtime: { revision: string; dir: string };
  warmMs: number;
  store: Store;
  driver: Pick<Driver, "identityFor">;
}

/** The cages of this hive, as a driver needs them: by the agents' deployed configs and what was approved for them. */
export class CageSpecs implements CageSpecsPort {
  readonly #facts: CageFacts;
  readonly #driver: Pick<Driver, "identityFor">;

  constructor({ store, driver, ...facts }: CageSpecsDeps) {
    this.#driver = driver;
    this.#facts = { ...facts, mountOwners: (agent) => ownersOf(store, agent) };
  }

  /** The whole specification, folders and files made. `nonce` is for a generation that has to confirm. */
  async of(agent: Agent, nonce?: string): Promise<CageSpec> {
    return cageSpec(agent, this.#facts, nonce);
  }

  /** The identity on the host of the agent with this ordinal. */
  identityFor(ordinal: number): Identity {
    return this.#driver.identityFor(this.#facts.hiveId, ordinal);
  }

  /**
   * The agent's identity on the host. Before a spawn there is no agent: the last identity owns as little of the host as
   * that of the new agent will.
   */
  identityOf(agent: Agent | undefined): Identity {
    return agent?.record.identity ?? this.identityFor(LAST_ORDINAL);
  }

  /** Which cage is the agent's: known whatever its config says and its mounts are. */
  place({ id }: Agent): Pick<CageSpec, "cageDir" | "hiveId" | "agentId"> {
    const { paths, hiveId } = this.#facts;
    return { cageDir: paths.agent(id).cage, hiveId, agentId: id };
  }

  /** What is wrong with the agent's mounts on this host just now, each in words that name the folder. */
  async mountProblems(agent: Agent): Promise<string[]> {
    const { paths, mountOwners: owners } = this.#facts;
    const trials = await tryMounts(agent.config.mounts, agent.record.identity, paths, owners(agent));
    return trials.flatMap(({ problem }) => problem ?? []);
  }
}

/** The id maps that the agent's generation was approved with. It is named by its request; older ones have none. */
function ownersOf(store: Store, { name, generation }: Agent): MountOwners {
  const row = store.approvals.byId(generation);
  return row?.name === name ? mountOwners(row) : {};
}
