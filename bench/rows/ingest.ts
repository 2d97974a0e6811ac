import { Spool } from "../../src/harness/spool.ts";
import type { TestHive } from "../../test/lib/hive.ts";
import { nanoseconds } from "../lib/child.ts";
import { generationOf, hiveWith } from "../lib/hive.ts";
import { hello } from "../lib/receivers.ts";
import type { Row } from "../lib/row.ts";
import { interleave, median, percentile } from "../lib/stats.ts";
import { ask, openLines, type Lines } from "../lib/wire.ts";

const SLICE_MS = 400;
/** Events in one publish, as a harness that has fallen behind sends them. */
const GROUP = 500;

/** Live: how many events at once, how often, for how long, and how many readers. */
const AT_ONCE = 5;
const EVERY_MS = 20;
const TIMES = 50;
const READERS = 20;
/** Agents: one for the rates, and one for each kind of reader of the live delay (event numbers belong to one spool). */
const AGENTS = ["e0", "e1", "e2"] as const;

/**
 * Turn events from a harness to stable storage, in the batches of its spool against one at a time; and to a reader of
 * the stream.
 */
export const ingest: Row = {
  name: "ingest",
  async run({ quick }) {
    const hive = await hiveWith(AGENTS);
    try {
      const [lines, together, apart] = [await harness(hive, "e0"), await harness(hive, "e1"), await harness(hive, "e2")];
      let n = 0;
      const rate = (group: number) => async (): Promise<number[]> => {
        const [before, start] = [n, performance.now()];
        while (performance.now() - start < SLICE_MS) {
          const at = new Date().toISOString();
          const events = Array.from({ length: group }, () => ({ n: ++n, at, event: { type: "text", text: "t".repeat(150) } }));
          await ask(lines, { cmd: "publish", id: 1, events });
        }
        return [((n - before) * 1000) / (performance.now() - start)];
      };
      const seen = await interleave({ grouped: rate(GROUP), alone: rate(1) }, quick ? 4 : 8);
      const heard = await listen(hive);
      const delays = {
        grouped: live(new Spool((events) => publish(together, events)), heard),
        alone: live(new Spool((events) => publish(apart, events.slice(0, 1))), heard),
      };
      const delayed = await interleave(delays, quick ? 3 : 8);
      const p99 = (slices: number[][]): number => percentile(slices.flat(), 0.99);
      const ms = (slices: number[][], share: number): string => (percentile(slices.flat(), share) / 1e6).toFixed(1);
      const k = (slices: number[][]): string => `${(median(slices.flat()) / 1000).toFixed(1)} k/s`;
      for (const one of [lines, together, apart]) one.close();
      return [
        {
          what: "event ingest, grouped against a commit per event",
          value: median(seen.grouped.map((one, at) => (one[0] ?? 0) / (seen.alone[at]?.[0] ?? 1))),
          unit: "×",
          reach: { least: 15 },
          detail: `${k(seen.grouped)} / ${k(seen.alone)}`,
        },
        {
          what: `the delay of a live event, p99, ${READERS} readers: grouped against a commit per event`,
          value: p99(delayed.grouped) / p99(delayed.alone),
          unit: "×",
          reach: { most: 1 },
          detail: `${ms(delayed.grouped, 0.99)} / ${ms(delayed.alone, 0.99)} ms (p50 ${ms(delayed.grouped, 0.5)} / ${ms(delayed.alone, 0.5)} ms), ${(AT_ONCE * 1000) / EVERY_MS} events/s`,
        },
      ];
    } finally {
      await hive.dispose();
    }
  },
};

async function harness(hive: TestHive, name: (typeof AGENTS)[number]): Promise<Lines> {
  const { revision } = (await hive.call("state", { messages: 0 })).state.hive;
  const lines = await openLines({ path: hive.agentSocket(name) });
  await hello(lines, revision, await generationOf(hive, name));
  return lines;
}

async function publish(lines: Lines, events: readonly object[]): Promise<number> {
  return Number((await ask(lines, { cmd: "publish", id: 1, events }))["confirmed_n"]);
}

/** Resolves with the time when the first reader got an event with this text. */
type Heard = (text: string) => Promise<number>;

async function listen(hive: TestHive): Promise<Heard> {
  const waiting = new Map<string, (at: number) => void>();
  const hear = async (lines: Lines, isFirst: boolean): Promise<void> => {
    for (;;) {
      const line = await lines.next();
      if (!isFirst) continue;
      const at = nanoseconds();
      const { event } = JSON.parse(line) as { event?: { turn?: { event?: { text?: string } } } };
      const text = event?.turn?.event?.text ?? "";
      waiting.get(text)?.(at);
      waiting.delete(text);
    }
  };
  for (let nth = 0; nth < READERS; nth++) {
    const lines = await openLines({ path: hive.socket });
    lines.write(`${JSON.stringify({ cmd: "watch", kinds: ["turn", "hive"] })}\n`);
    // The first event is the hive's own view. The subscription is active from here on.
    await lines.next();
    void hear(lines, nth === 0);
  }
  return (text) => new Promise((resolve) => waiting.set(text, resolve));
}

/** Nanoseconds from the creation of each event of a slice until a reader gets it. */
function live(spool: Spool, heard: Heard): () => Promise<number[]> {
  let n = 0;
  return async () => {
    const delays: Promise<number>[] = [];
    for (let time = 0; time < TIMES; time++) {
      const start = nanoseconds();
      for (let one = 0; one < AT_ONCE; one++) {
        const text = `${"t".repeat(150)} ${start} ${++n}`;
        delays.push(heard(text).then((at) => at - start));
        spool.add({ type: "text", text });
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
    return Promise.all(delays);
  };
}
