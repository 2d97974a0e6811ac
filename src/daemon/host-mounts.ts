import type { Agent } from "../agents/agent.ts";
import type { HostMounts, MountTrial } from "../deploys/deploy-context.ts";
import type { Paths } from "../lib/paths.ts";
import type { Platform } from "../platforms/platform.ts";
import type { MountOwners } from "../store/approvals.ts";
import type { AgentConfig } from "../wire/config.ts";
import type { CageSpecs } from "./cage-specs.ts";
import { tryMounts } from "./mounts.ts";
import { nameOf } from "./owner-maps.ts";
import type { W4rden } from "./w4rden.ts";

export interface HostMountsDeps {
  specs: Pick<CageSpecs, "identityOf">;
  paths: Paths;
  platform: Pick<Platform, "sandboxedRun">;
  w4rden: W4rden | undefined;
}

/** Tries mounts on this host, as the agent or as a new one. */
export function hostMounts({ specs, paths, platform, w4rden }: HostMountsDeps): HostMounts {
  return {
    tryAll(agent: Agent | undefined, mounts: AgentConfig["mounts"], approved?: MountOwners): Promise<MountTrial[]> {
      const tester = { identity: specs.identityOf(agent), paths, sandboxedRun: platform.sandboxedRun, w4rden };
      return tryMounts(mounts, tester, approved);
    },
    userName: nameOf,
  };
}
