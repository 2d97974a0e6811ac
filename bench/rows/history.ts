import { join } from "node:path";
import { TestHive } from "../../test/lib/hive.ts";
import { openStore } from "../../src/store/store.ts";
import type { Row } from "../lib/row.ts";
import { interleave, percentile, ratio } from "../lib/stats.ts";

/** Messages that one write stores while the history is made. */
const BATCH = 20_000;
const STARTS = 5;
const READS = 40;
/** Agents that the history is between. Their rows are not needed: it is over and read. */
const AGENTS = 50;

/** What a long history costs: nothing, neither when the dashboard is read nor when the daemon starts. */
export const history: Row = {
  name: "history",
  async run({ rows, quick }) {
    const hives = { empty: await stopped(0), some: await stopped(rows / 10), many: await stopped(rows) };
    try {
      const start = (hive: TestHive) => async (): Promise<number[]> => {
        const before = performance.now();
        await hive.start({ foreground: false });
        const took = performance.now() - before;
        await hive.crash();
        return [took];
      };
      const started = await interleave({ empty: start(hives.empty), many: start(hives.many) }, quick ? 3 : STARTS);
      await hives.some.start();
      await hives.many.start();
      const read = (hive: TestHive) => async (): Promise<number[]> => {
        const times: number[] = [];
        for (let nth = 0; nth < READS; nth++) {
          const before = performance.now();
          await hive.call("state", {});
          times.push(performance.now() - before);
        }
        return times;
      };
      const shown = await interleave({ some: read(hives.some), many: read(hives.many) }, quick ? 4 : 10);
      const ms = (slices: number[][]): string => `${percentile(slices.flat(), 0.5).toPrecision(3)} ms`;
      return [
        {
          what: `dashboard state with ${rows} messages, against a tenth of them`,
          value: ratio(shown.many, shown.some),
          unit: "×",
          reach: { most: 1.2 },
          detail: `${ms(shown.many)} / ${ms(shown.some)}`,
        },
        {
          what: `start-up with ${rows} messages, against an empty hive`,
          value: ratio(started.many, started.empty),
          unit: "×",
          reach: { most: 1.3 },
          detail: `${ms(started.many)} / ${ms(started.empty)}`,
        },
      ];
    } finally {
      for (const hive of Object.values(hives)) await hive.dispose();
    }
  },
};

/** A hive whose manager is stopped, with so many messages behind it; it does not run. */
async function stopped(messages: number): Promise<TestHive> {
  const hive = new TestHive({ HIVE_LOG_LEVEL: "error", HIVE_AGENT_PORTS: "off" });
  await hive.start();
  await hive.call("stop", { scope: { agent_names: ["hm1nd"] }, graceful: false });
  await hive.stop();
  if (messages > 0) await fill(join(hive.stateDir, "hive.db"), messages);
  return hive;
}

async function fill(file: string, messages: number): Promise<void> {
  const store = openStore({
    file,
    onFatal(error) {
      throw error;
    },
  });
  const body = "y".repeat(120);
  for (let done = 0; done < messages; done += BATCH) {
    await store.write(() => {
      for (let nth = done; nth < Math.min(messages, done + BATCH); nth++) {
        const id = store.nextSeq();
        store.messages.insert({
          id,
          seq: id,
          sender: `agent-${nth % AGENTS}`,
          label: null,
          recipient: nth % 20 === 0 ? "operator" : `agent-${(nth * 7) % AGENTS}`,
          client_id: null,
          in_reply_to: null,
          chain: id,
          hops: 0,
          state: "done",
          instance: null,
          token: null,
          redelivered: 0,
          failures: 0,
          reason: null,
          created_at: nth,
          updated_at: nth,
          body,
        });
      }
    });
  }
  store.close();
}
