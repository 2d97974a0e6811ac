import { bootAgents, type AgentBootDeps } from "../agents/boot.ts";
import type { Cages } from "../agents/cages.ts";
import type { Swarm } from "../agents/swarm.ts";
import type { HiveDeploys } from "../deploys/open.ts";
import type { Paths } from "../lib/paths.ts";
import { Services, type Service } from "../lib/services.ts";
import type { Broker } from "../messages/broker.ts";
import { pruneRuntimes } from "../platforms/runtime.ts";
import { revisionsInUse } from "./directory.ts";
import type { HiveWork } from "../work/open.ts";
import type { Log } from "./log.ts";
import type { Operators } from "./operators.ts";
import type { Sockets } from "./sockets.ts";

export interface LifecycleDeps extends Omit<AgentBootDeps, "cages" | "broker"> {
  /** Services without an order: started first, stopped last. */
  services: readonly Service[];
  agents: Pick<Swarm, "all">;
  cages: Pick<Cages, "close" | "stopAll" | "killAll"> & AgentBootDeps["cages"];
  broker: Pick<Broker, "start" | "stop" | "hasMail">;
  work: Pick<HiveWork, "start" | "stop" | "makeSample">;
  /** The built-in tour is played, which works on the sample repository. */
  playsTour: boolean;
  deploys: Pick<HiveDeploys, "recover" | "firstStart" | "deploys" | "autoUpdate">;
  sockets: Pick<Sockets, "openHost" | "closeAll">;
  operators: Pick<Operators, "start" | "host">;
  paths: Pick<Paths, "hostSocket" | "runtimes">;
  /** The revision of the runtime in new cages. */
  revision: string;
  log: Pick<Log, "info">;
}

/** The order in which a hive starts and stops. */
export function openLifecycle(deps: LifecycleDeps) {
  const { agents, cages, broker, deploys, work, sockets, paths, revision, log, onUnexpected } = deps;
  const { autoUpdate } = deploys;
  const services = new Services(
    [
      ...deps.services,
      // Before any agent runs: an unfinished deploy of the last daemon changes its agent's config.
      { start: () => recoverDeploys(deploys, log) },
      // Before any agent can push or propose.
      work,
      { start: () => sockets.openHost(paths.hostSocket, deps.operators.host), stop: () => sockets.closeAll() },
      deps.operators,
      { start: () => bootAgents(deps) },
      // The agents' sockets are open now, so harnesses from before the start can present their leases.
      broker,
      { start: () => deploys.firstStart(), stop: () => deploys.deploys.stop() },
      // A hive without its sample works, and the next start tries again.
      { start: () => (deps.playsTour ? work.makeSample().catch(onUnexpected) : undefined) },
      autoUpdate,
      { start: () => pruneUnused(agents, revision, paths.runtimes) },
      // Running cages keep running, and the next daemon adopts them.
      { stop: () => cages.close() },
    ],
    onUnexpected,
  );
  return {
    /** Opens the operator's socket and starts the agents. */
    boot: () => services.start(),
    /** Ends the deploys, then stops every cage. */
    async stopCages(words: string): Promise<void> {
      autoUpdate.stop();
      await deploys.deploys.stop();
      await cages.stopAll(agents.all(), words);
    },
    killCages: () => cages.killAll(agents.all()),
    /** Closes everything that `boot` opened. */
    close: () => services.stop(),
  };
}

async function recoverDeploys(deploys: Pick<HiveDeploys, "recover">, log: Pick<Log, "info">): Promise<void> {
  const { forward, back } = await deploys.recover();
  if (forward.length + back.length > 0) log.info({ forward, back }, "finished the deploys of the last daemon");
}

function pruneUnused(agents: Pick<Swarm, "all">, revision: string, runtimes: string): void {
  const inUse = revisionsInUse(agents, revision);
  if (inUse) pruneRuntimes(runtimes, inUse);
}
