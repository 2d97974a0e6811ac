import type { Agent } from "../agents/agent.ts";
import type { HostMounts, MountTrial } from "../deploys/deploy-context.ts";
import type { Paths } from "../lib/paths.ts";
import type { Platform } from "../platforms/platform.ts";
import type { MountOwners } from "../store/approvals.ts";
import type { AgentConfig } from "../wire/config.ts";
import type { CageSpecs } from "./cage-specs.ts";
import { tryMounts } from "./mounts.ts";
import { nameOf } from "./owner-maps.ts";

export interface HostMountsDeps {
  specs: Pick<CageSpecs, "identityOf">;
  paths: Paths;
  platform: Pick<Platform, "sandboxedRun">;
}

/** Tries mounts on this host, as the agent or as a new one. */
export function hostMounts({ specs, paths, platform }: HostMountsDeps): HostMounts {
  return {
    tryAll(agent: Agent | undefined, mounts: AgentConfig["mounts"], approved?: MountOwners): Promise<MountTrial[]> {
      return tryMounts(mounts, { identity: specs.identityOf(agent), paths, sandboxedRun: platform.sandboxedRun }, approved);
    },
    userName: nameOf,
  };
}
