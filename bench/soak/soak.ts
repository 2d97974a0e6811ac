import { generationOf } from "../lib/hive.ts";
import { TestHive } from "../../test/lib/hive.ts";
import { harness, sender, type World } from "./actors.ts";
import { Checker } from "./checker.ts";

export interface SoakOptions {
  sends: number;
  agents: number;
  /** How often the daemon is killed, spread over the sends. */
  daemonKills: number;
  /** The share of turns in which the harness is killed. */
  harnessKillShare: number;
  seed: number;
}

export interface SoakResult {
  sent: number;
  delivered: number;
  redelivered: number;
  acknowledged: number;
  daemonKills: number;
  harnessKills: number;
  violations: string[];
}

/**
 * Sends random messages among agents while the real daemon and its harnesses are killed with SIGKILL and by cut
 * connections. A checker compares the results. Ends when every confirmed message has been delivered.
 */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const names = Array.from({ length: options.agents }, (_, at) => `a${at}`);
  const hive = new TestHive({
    HIVE_SEND_RATE: "1000000",
    HIVE_MAX_HOPS: "10000",
    HIVE_LOOP_USD: "1000000",
    HIVE_LOOP_OUTPUT_TOKENS: "1000000000",
    HIVE_AGENT_PORTS: "off",
    HIVE_LOG_LEVEL: "error",
  });
  const checker = new Checker();
  try {
    await hive.start();
    // The soak plays the harnesses: the cages are stopped, their sockets stay.
    await hive.call("stop", { scope: { agent_names: ["hm1nd"] }, graceful: false });
    for (const name of names) {
      await hive.call("spawn", { name });
      await hive.call("stop", { scope: { agent_names: [name] }, graceful: false });
    }
    const generations = new Map<string, number>();
    for (const name of names) generations.set(name, await generationOf(hive, name));
    const world: World = {
      generations,
      checker,
      revision: (await hive.call("state", { messages: 0 })).state.hive.revision,
      socketOf: (agent) => hive.agentSocket(agent),
      random: seeded(options.seed),
      killShare: options.harnessKillShare,
      harnessKills: 0,
      isOver: false,
    };
    let left = options.sends;
    const share = (): boolean => left-- > 0;
    const harnesses = names.map((name) => harness(world, name));
    const senders = Promise.all(
      names.map((name) =>
        sender(
          world,
          name,
          names.filter((other) => other !== name),
          share,
        ),
      ),
    );
    let daemonKills = 0;
    for (; daemonKills < options.daemonKills; daemonKills++) {
      const due = (options.sends * (daemonKills + 1)) / (options.daemonKills + 1);
      await until(() => options.sends - left >= due, senders);
      await hive.crash();
      await hive.start();
    }
    await senders;
    world.killShare = 0;
    await Promise.race([until(() => checker.missing === 0, new Promise(() => {})), Promise.all(harnesses)]);
    world.isOver = true;
    await hive.crash();
    await Promise.all(harnesses);
    return { ...checker.counts, daemonKills, harnessKills: world.harnessKills, violations: checker.finish() };
  } finally {
    await hive.dispose();
  }
}

/**
 * Checks in every turn of the event loop until the condition is true, or until `last` has finished and nothing can
 * change it any more.
 */
async function until(condition: () => boolean, last: Promise<unknown>): Promise<void> {
  let isLast = false;
  // Its own caller handles how it ended.
  last.then(
    () => (isLast = true),
    () => (isLast = true), // The same.
  );
  while (!condition() && !isLast) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Pseudo-random numbers from 0 to 1, determined by the seed (a linear congruential generator). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
