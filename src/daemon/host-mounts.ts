import type { Agent } from "../agents/agent.ts";
import type { HostMounts, MountTrial } from "../deploys/deploy-context.ts";
import type { Paths } from "../lib/paths.ts";
import type { MountOwners } from "../store/approvals.ts";
import type { AgentConfig } from "../wire/config.ts";
import type { CageSpecs } from "./cage-specs.ts";
import { tryMounts } from "./mounts.ts";
import { nameOf } from "./owner-maps.ts";

/** Tries mounts on this host, as the agent or as a new one. */
export function hostMounts(deps: { specs: Pick<CageSpecs, "identityOf">; paths: Paths }): HostMounts {
  return {
    tryAll(agent: Agent | undefined, mounts: AgentConfig["mounts"], approved?: MountOwners): Promise<MountTrial[]> {
      return tryMounts(mounts, deps.specs.identityOf(agent), deps.paths, approved);
    },
    userName: nameOf,
  };
}
