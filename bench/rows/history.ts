import { join } from "node:path";
import { openStore } from "../../src/store/store.ts";
import type { TestHive } from "../../test/lib/hive.ts";
import { OPERATOR } from "../../src/wire/names.ts";
import { hiveWith } from "../lib/hive.ts";
import type { Row } from "../lib/row.ts";
import { interleave, percentile, ratio } from "../lib/stats.ts";

/** Messages that one write stores while the history is made. */
const BATCH = 20_000;
const STARTS = 7;
const READS = 40;
/** Agents that the history is between, the same in every hive: their number is not what is measured. */
const AGENTS = Array.from({ length: 10 }, (_, at) => `h${at}`);
/** Of the newest messages, so many are such that the operator has not read yet. */
const UNREAD = 200;
/** Where the daemon keeps how far the search and the operator have come. */
const SEARCHED = "search_up_to";
const READ = "operator_read_up_to";
const WORDS =
  "the build of the parser passed on the second try, the log is in the state folder and names the tests that were slow";

/** What a long history costs: nothing, neither when the dashboard is read nor when the daemon starts. */
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

/** A hive with agents that are stopped and so many messages behind it; it does not run. */
async function stopped(messages: number): Promise<TestHive> {
  const hive = await hiveWith(AGENTS);
  const { agents } = (await hive.call("state", { messages: 0 })).state;
  await hive.stop();
  const ids = agents.map((agent) => agent.id);
  if (messages > 0) await fill(join(hive.stateDir, "hive.db"), messages, ids);
  return hive;
}

/** Messages that were delivered long ago, in the search too: what a hive has behind it that was used for months. */
async function fill(file: string, messages: number, ids: readonly string[]): Promise<void> {
  const store = openStore({
    file,
    onFatal(error) {
      throw error;
    },
  });
  const began = Date.now();
  for (let done = 0; done < messages; done += BATCH) {
    await store.write(() => {
      for (let nth = done; nth < Math.min(messages, done + BATCH); nth++) {
        const id = store.nextSeq();
        store.messages.insert({
          id,
          seq: id,
          sender: ids[nth % ids.length] ?? "",
          label: null,
          recipient: nth % 20 === 0 ? OPERATOR : (ids[(nth * 7 + 1) % ids.length] ?? ""),
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
          created_at: began - messages + nth,
          updated_at: began - messages + nth,
          body: `${WORDS} ${nth}`,
        });
      }
      const { upTo } = store.search.takeIn(Number(store.meta.get(SEARCHED) ?? 0), BATCH * 2);
      store.meta.set(SEARCHED, String(upTo));
      // The operator has read nearly all of it.
      store.meta.set(READ, String(upTo - UNREAD));
    });
  }
  store.close();
}
