import { findClaude } from "../../src/daemon/runtime-files.ts";
import { TestHive } from "../../test/lib/hive.ts";
import { BareCli } from "../lib/bare-cli.ts";
import { nanoseconds } from "../lib/child.ts";
import type { Row } from "../lib/row.ts";
import { interleave, percentile, ratio } from "../lib/stats.ts";
import { markOf, startUpstream, type UpstreamChild } from "../lib/upstream.ts";

/** Turns in one slice of a warm process, and starts in one slice of cold processes. */
const WARM_TURNS = 8;
const COLD_TURNS = 2;
const SLICES = 8;
/** How long the agent of the cold turns stays awake while idle. Seconds. */
const SLEEP_AFTER = "0.2";
const AGENT = "ada";

/**
 * From a message to the model request that it causes, with its whole body, at the same upstream. For the hive the time
 * begins before the operator's `send` is written, so it includes the commit; for the bare CLI before its line of input
 * is written, or before its process is started.
 */
export const turns: Row = {
  name: "turns",
  async run({ quick }) {
    const upstream = await startUpstream();
    const closers: (() => Promise<unknown>)[] = [upstream.stop];
    try {
      const awake = await hiveOn(upstream);
      closers.push(() => awake.dispose());
      const sleeper = await hiveOn(upstream, { HIVE_SLEEP_AFTER_SECONDS: SLEEP_AFTER });
      closers.push(() => sleeper.dispose());
      const program = findClaude(undefined);
      const [kept, started] = [new BareCli(program, upstream.url), new BareCli(program, upstream.url)];
      closers.push(
        () => kept.dispose(),
        () => started.dispose(),
      );
      kept.start();
      let nth = 0;
      const warmBare = times(WARM_TURNS, async () => {
        const arrival = upstream.arrival(++nth);
        const start = nanoseconds();
        await kept.say(markOf(nth));
        return (await arrival) - start;
      });
      const coldBare = times(COLD_TURNS, async () => {
        const arrival = upstream.arrival(++nth);
        const start = nanoseconds();
        started.start();
        await started.say(markOf(nth));
        const took = (await arrival) - start;
        await started.stop();
        return took;
      });
      const warmOurs = times(WARM_TURNS, async () => {
        await awake.untilAgent(AGENT, (agent) => agent.running && agent.state === "idle");
        return turn(awake, upstream, ++nth);
      });
      const coldOurs = times(COLD_TURNS, async () => {
        await sleeper.untilAgent(AGENT, (agent) => agent.asleep);
        return turn(sleeper, upstream, ++nth);
      });
      const seen = await interleave({ warmBare, warmOurs, coldBare, coldOurs }, quick ? 3 : SLICES);
      const ms = (slices: number[][], share = 0.5): string => (percentile(slices.flat(), share) / 1e6).toFixed(1);
      const detail = (ours: number[][], bare: number[][]): string =>
        `${ms(ours)} / ${ms(bare)} ms (p90 ${ms(ours, 0.9)} / ${ms(bare, 0.9)})`;
      return [
        {
          what: "warm turn: message → model request at the upstream, p50, against the bare CLI kept warm",
          value: ratio(seen.warmOurs, seen.warmBare),
          unit: "×",
          reach: { most: 2.5 },
          detail: detail(seen.warmOurs, seen.warmBare),
        },
        {
          what: "cold turn from a sleeping cage: the same, p50, against the bare CLI started cold",
          value: ratio(seen.coldOurs, seen.coldBare),
          unit: "×",
          reach: { most: 2.5 },
          detail: detail(seen.coldOurs, seen.coldBare),
        },
      ];
    } finally {
      for (const close of closers.reverse()) await close();
    }
  },
};

/** A live hive whose model API is the bench's, with one agent. */
async function hiveOn(upstream: UpstreamChild, env: Record<string, string> = {}): Promise<TestHive> {
  const hive = new TestHive({
    HIVE_REHEARSAL: "0",
    HIVE_UPSTREAM_URL: upstream.url,
    ANTHROPIC_API_KEY: "sk-ant-api03-placeholder",
    HIVE_LOG_LEVEL: "error",
    ...env,
  });
  await hive.start();
  await hive.call("stop", { scope: { agent_names: ["hm1nd"] }, graceful: false });
  await hive.call("spawn", { name: AGENT });
  return hive;
}

async function turn(hive: TestHive, upstream: UpstreamChild, nth: number): Promise<number> {
  const arrival = upstream.arrival(nth);
  const start = nanoseconds();
  await hive.call("send", { to: AGENT, body: markOf(nth) });
  const took = (await arrival) - start;
  await hive.untilAgent(AGENT, (agent) => agent.unread === 0 && agent.state === "idle");
  return took;
}

const times = (count: number, one: () => Promise<number>) => async (): Promise<number[]> => {
  const took: number[] = [];
  for (let at = 0; at < count; at++) took.push(await one());
  return took;
};
