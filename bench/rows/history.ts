import type { TestHive } from "../../test/lib/hive.ts";
import { hiveWith } from "../lib/hive.ts";
import { addPast } from "../lib/long-past.ts";
import type { Row } from "../lib/row.ts";
import { interleave, percentile, ratio } from "../lib/stats.ts";

const STARTS = 7;
const READS = 40;
/** The agents of the history. Their number is the same in every hive, because it is not measured. */
const AGENTS = Array.from({ length: 10 }, (_, at) => `h${at}`);
/** A long history must cost nothing, neither in reading the dashboard nor in starting the daemon. */
export const history: Row = {
  name: "history",
  async run({ rows, quick }) {
    const hives = { empty: await stopped(0), some: await stopped(Math.round(rows / 10)), many: await stopped(rows) };
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

/** A stopped hive with stopped agents and this many past messages. */
async function stopped(messages: number): Promise<TestHive> {
  const hive = await hiveWith(AGENTS);
  const { agents } = (await hive.call("state", { messages: 0 })).state;
  await hive.stop();
  if (messages > 0) await addPast(hive, { agents, messages });
  return hive;
}
