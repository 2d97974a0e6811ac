import { Slots } from "../lib/slots.ts";
import type { ContainerHelper } from "../platforms/nixos/driver.ts";
import { HiveError } from "../wire/error.ts";

/**
 * Containers that boot or are removed at once, that end, and whose journals are read. Each is a connection to root's
 * helper for as long as it takes, and the helper accepts 64; repositories and mounts need some, too.
 */
const AT_ONCE = { most: 8, mostPerKey: 1 };
/** Journals that wait to be read. Operators ask for them; what else waits is bounded by the number of agents. */
const [MAX_WAITING, MAX_WAITING_OF_AGENT] = [64, 8];
/** Journals that are followed at once: each is a connection to the helper for as long as its reader stays. */
const MAX_FOLLOWED = 8;
const NEVER = new AbortController().signal;

/** The helper with a bounded number of requests at once: the others wait. What ends a container waits for no boot. */
export function queuedContainers(helper: ContainerHelper): ContainerHelper {
  const [boots, kills] = [new Slots(AT_ONCE), new Slots(AT_ONCE)];
  const journals = new Slots({
    ...AT_ONCE,
    waiting: {
      most: MAX_WAITING,
      mostPerKey: MAX_WAITING_OF_AGENT,
      full: () => new HiveError("rate_limited", "too many journals of containers are read at once: wait for some of them"),
    },
  });
  let followed = 0;
  return {
    async *follow(agent, lines, signal) {
      if (followed >= MAX_FOLLOWED)
        throw new HiveError(
          "rate_limited",
          `${MAX_FOLLOWED} journals of containers are followed, which is the most: end one of them`,
        );
      followed++;
      try {
        yield* helper.follow(agent, lines, signal);
      } finally {
        followed--;
      }
    },
    start: (request) => boots.run(request.agent, NEVER, () => helper.start(request)),
    kill: (agent) => kills.run(agent, NEVER, () => helper.kill(agent)),
    destroy: (agent) => boots.run(agent, NEVER, () => helper.destroy(agent)),
    logs: (agent, lines) => journals.run(agent, NEVER, () => helper.logs(agent, lines)),
  };
}
