import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { hivectl } from "../lib/hivectl.ts";
import type { Paths } from "../lib/paths.ts";
import { isRunningContainer } from "../platforms/nixos/driver.ts";
import type { PlatformName } from "../platforms/open.ts";
import { CONTAINER_DRIVER } from "../wire/w4rden.ts";

/**
 * Throws if containers of this hive run that its driver cannot end. Two harnesses of one agent would work in the same
 * folders. The other way round, the driver of containers ends the cages that it finds.
 */
export function checkOtherDriver(driver: PlatformName, paths: Pick<Paths, "state" | "agent">): void {
  if (driver === CONTAINER_DRIVER) return;
  const folder = join(paths.state, "agents");
  const agents = existsSync(folder) ? readdirSync(folder) : [];
  const count = agents.filter((id) => isRunningContainer(paths.agent(id).cage)).length;
  if (count === 0) return;
  throw new Error(
    `${count === 1 ? "a container" : `${count} containers`} of this hive ${count === 1 ? "runs" : "run"}: start it with HIVE_DRIVER=${CONTAINER_DRIVER}, stop its agents (${hivectl("stop --all")}), then start it with HIVE_DRIVER=${driver}`,
  );
}
