import { generationOf, hiveWith } from "../lib/hive.ts";
import { hello } from "../lib/receivers.ts";
import type { Row } from "../lib/row.ts";
import { interleave, median } from "../lib/stats.ts";
import { ask, openLines } from "../lib/wire.ts";

const SLICE_MS = 400;
/** Events in one publish, as a harness that has fallen behind sends them. */
const GROUP = 500;

/** Turn events from a harness to stable storage: as its spool groups them, against one at a time. */
export const ingest: Row = {
  name: "ingest",
  async run({ quick }) {
    const hive = await hiveWith(["e0"]);
    try {
      const { revision } = (await hive.call("state", { messages: 0 })).state.hive;
      const lines = await openLines({ path: hive.agentSocket("e0") });
      await hello(lines, revision, await generationOf(hive, "e0"));
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
      const k = (slices: number[][]): string => `${(median(slices.flat()) / 1000).toFixed(1)} k/s`;
      lines.close();
      return [
        {
          what: "event ingest, grouped against a commit per event",
          value: median(seen.grouped.map((one, at) => (one[0] ?? 0) / (seen.alone[at]?.[0] ?? 1))),
          unit: "×",
          reach: { least: 15 },
          detail: `${k(seen.grouped)} / ${k(seen.alone)}`,
        },
      ];
    } finally {
      await hive.dispose();
    }
  },
};
