import { startRole, type Child } from "../lib/child.ts";
import { generationOf, hiveWith } from "../lib/hive.ts";
import { pacer } from "../lib/pacer.ts";
import type { Row } from "../lib/row.ts";
import { interleave, median, percentile, ratio } from "../lib/stats.ts";
import { openLines } from "../lib/wire.ts";

/** The rate of a real hive, in messages a second: the flood is braked, and so is the agent that is measured. */
const SEND_RATE = "50";
/** Between two of its messages, below its rate. Milliseconds. */
const REST_MS = 25;
const SENDS = 40;
const SLICES = 12;
/** Looks of a page at the state in each slice. */
const LOOKS = 5;

/** An agent at all its limits, and what the others notice of it: from another agent's send to the wake of its receiver. */
export const flood: Row = {
  name: "flood",
  async run({ quick }) {
    const hive = await hiveWith(["sender", "receiver", "mallory"], { HIVE_SEND_RATE: SEND_RATE });
    const children: Child[] = [];
    try {
      const { revision } = (await hive.call("state", { messages: 0 })).state.hive;
      const generation = String(await generationOf(hive, "receiver"));
      const receiver = await startRole("receivers", [revision, "receiver", hive.agentSocket("receiver"), generation]);
      children.push(receiver);
      const lines = await openLines({ path: hive.agentSocket("sender") });
      const pace = pacer(receiver, lines, ["receiver"], { sends: SENDS, restMs: REST_MS });
      const flooder = await startRole("flooder", [hive.agentSocket("mallory")]);
      children.push(flooder);
      let heard: () => void = () => {};
      flooder.onMessage(() => heard());
      const turn = async (on: 0 | 1): Promise<void> => {
        const done = new Promise<void>((resolve) => (heard = resolve));
        flooder.send(on);
        await Promise.race([done, flooder.broke]);
      };
      const flooded = async (measure: () => Promise<number[]>): Promise<number[]> => {
        await turn(1);
        try {
          return await measure();
        } finally {
          await turn(0);
        }
      };
      const browser = await hive.browser();
      const look = async (): Promise<number[]> => {
        const times: number[] = [];
        for (let n = 0; n < LOOKS; n++) {
          const start = performance.now();
          await (await browser("/api/state")).text();
          times.push(performance.now() - start);
        }
        return times;
      };
      const { quiet, loud, page, pageLoud } = await interleave(
        { quiet: () => pace(), loud: () => flooded(() => pace()), page: look, pageLoud: () => flooded(look) },
        quick ? 3 : SLICES,
      );
      const us = (slices: number[][], share: number): string => `${Math.round(percentile(slices.flat(), share) / 1000)} µs`;
      const ms = (slices: number[][]): string => `${median(slices.flat()).toFixed(1)} ms`;
      return [
        {
          what: "another agent's send → wake while one agent floods, p50, against a quiet hive",
          value: ratio(loud, quiet),
          unit: "×",
          reach: { most: 2 },
          detail: `${us(loud, 0.5)} / ${us(quiet, 0.5)}; p99 ${us(loud, 0.99)} / ${us(quiet, 0.99)}`,
        },
        {
          what: "the state of a page while one agent floods, p50, against a quiet hive",
          value: ratio(pageLoud, page),
          unit: "×",
          detail: `${ms(pageLoud)} / ${ms(page)}`,
        },
      ];
    } finally {
      for (const child of children.reverse()) await child.stop();
      await hive.dispose();
    }
  },
};
