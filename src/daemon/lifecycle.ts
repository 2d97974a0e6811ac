import { bootAgents, type AgentBootDeps } from "../agents/boot.ts";
import type { Cages } from "../agents/cages.ts";
import type { Swarm } from "../agents/swarm.ts";
import type { HiveDeploys } from "../deploys/open.ts";
import type { Paths } from "../lib/paths.ts";
import { Services, type Service } from "../lib/services.ts";
import type { Broker } from "../messages/broker.ts";
import { pruneRuntimes } from "../platforms/runtime.ts";
import { revisionsInUse } from "./directory.ts";
import type { Log } from "./log.ts";
import type { Sockets } from "./sockets.ts";

export interface LifecycleDeps extends Omit<AgentBootDeps, "cages" | "broker"> {
  /** Services that no order binds: started first, stopped last. */
  services: readonly Service[];
  agents: Pick<Swarm, "all">;
  cages: Pick<Cages, "close" | "stopAll" | "killAll"> & AgentBootDeps["cages"];
  broker: Pick<Broker, "start" | "stop" | "hasMail">;
  deploys: Pick<HiveDeploys, "recover" | "firstStart" | "deploys" | "autoUpdate">;
  sockets: Pick<Sockets, "openHost" | "closeAll">;
  paths: Pick<Paths, "hostSocket" | "runtimes">;
  /** Revision of the runtime that new cages get. */
  revision: string;
  log: Pick<Log, "info">;
}

/** The order in which a hive comes up and goes down. */
export function openLifecycle(deps: LifecycleDeps) {
  const { agents, cages, broker, deploys, sockets, paths, revision, log, onUnexpected } = deps;
  const { autoUpdate } = deploys;
  const services = new Services(
    [
      ...deps.services,
      // Before anything runs: a deploy that the last daemon left unfinished changes what its agent is.
      { start: () => recoverDeploys(deploys, log) },
      { start: () => sockets.openHost(paths.hostSocket), stop: () => sockets.closeAll() },
      { start: () => bootAgents(deps) },
      // The agents' sockets are open: harnesses from before the start can present their leases.
      broker,
      { start: () => deploys.firstStart(), stop: () => deploys.deploys.stop() },
      autoUpdate,
      { start: () => pruneUnused(agents, revision, paths.runtimes) },
      // Cages that still run live on and are found again by the next daemon.
      { stop: () => cages.close() },
    ],
    onUnexpected,
  );
  return {
    /** Opens the operator's socket and brings the agents up. */
    boot: () => services.start(),
    /** Stops every cage in order. */
    async stopCages(words: string): Promise<void> {
      autoUpdate.stop();
      await deploys.deploys.stop();
      await cages.stopAll(agents.all(), words);
    },
    killCages: () => cages.killAll(agents.all()),
    /** Lets go of everything. */
    close: () => services.stop(),
  };
}

async function recoverDeploys(deploys: Pick<HiveDeploys, "recover">, log: Pick<Log, "info">): Promise<void> {
  const { forward, back } = await deploys.recover();
  if (forward.length + back.length > 0) log.info({ forward, back }, "deploys of the last daemon are settled");
}

function pruneUnused(agents: Pick<Swarm, "all">, revision: string, runtimes: string): void {
  const inUse = revisionsInUse(agents, revision);
  if (inUse) pruneRuntimes(runtimes, inUse);
}
