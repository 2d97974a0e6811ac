import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRole, type Child } from "../lib/child.ts";
import { generationOf, hiveWith } from "../lib/hive.ts";
import { pacer } from "../lib/pacer.ts";
import type { Row } from "../lib/row.ts";
import { interleave, median, percentile, ratio } from "../lib/stats.ts";
import { openLines } from "../lib/wire.ts";

/** Receivers in the row with many receivers. */
const MANY = 50;
/** With fewer messages, a percentile near the end depends on a handful and varies from run to run. */
const SLICES = 30;
/**
 * Messages at the start of a slice that do not count: another contender ran before, and the processor's caches are full
 * of its code and data. One such message in sixty determined the p99. They have a figure of their own.
 */
const FIRSTS = 5;
/** Messages before anything is measured, so that all code has been compiled, as in a hive at work. */
const WARM_UP = 2000;

/**
 * From a send that is answered once the message is on stable storage until a blocked receiver in another process has
 * the message.
 */
export const wake: Row = {
  name: "wake",
  async run({ quick }) {
    const folder = mkdtempSync(join(tmpdir(), "bench-wake-"));
    const names = Array.from({ length: MANY }, (_, at) => `r${at}`);
    const hive = await hiveWith(["sender", ...names]);
    // A harness of another revision would be replaced between two turns.
    const { revision } = (await hive.call("state", { messages: 0 })).state.hive;
    const generations = new Map<string, string>();
    for (const name of names) generations.set(name, String(await generationOf(hive, name)));
    const floorSocket = join(folder, "floor.sock");
    const floor = await startRole("floor", [floorSocket, join(folder, "floor.log")]);
    const children: Child[] = [floor];
    try {
      const paced = async (kind: string, path: string, to: string[], socketOf: (name: string) => string) => {
        const child = await startRole("receivers", [
          kind,
          ...to.flatMap((name) => [name, socketOf(name), generations.get(name) ?? "0"]),
        ]);
        children.push(child);
        return pacer(child, await openLines({ path }), to);
      };
      const [first = "", ...others] = names;
      const floorOne = await paced("floor", floorSocket, ["one"], () => floorSocket);
      const oursOne = await paced(revision, hive.agentSocket("sender"), [first], (name) => hive.agentSocket(name));
      const floorMany = await paced("floor", floorSocket, others, () => floorSocket);
      const oursMany = await paced(revision, hive.agentSocket("sender"), others, (name) => hive.agentSocket(name));
      for (const one of [floorOne, oursOne, floorMany, oursMany]) await one(quick ? WARM_UP / 4 : WARM_UP);
      const whole = await interleave({ floorOne, oursOne, floorMany, oursMany }, quick ? 4 : SLICES);
      const seen = {
        floorOne: flow(whole.floorOne),
        oursOne: flow(whole.oursOne),
        floorMany: flow(whole.floorMany),
        oursMany: flow(whole.oursMany),
      };
      const us = (slices: number[][], share: number): string => `${Math.round(percentile(slices.flat(), share) / 1000)} µs`;
      const p99 = (slices: number[][]): number => percentile(slices.flat(), 0.99);
      return [
        {
          what: "durable send → blocked receiver wakes, p50, against the Node floor",
          value: ratio(seen.oursOne, seen.floorOne),
          unit: "×",
          reach: { most: 1.25 },
          detail: `${us(seen.oursOne, 0.5)} / ${us(seen.floorOne, 0.5)}`,
        },
        {
          what: "the same, p99",
          value: p99(seen.oursOne) / p99(seen.floorOne),
          unit: "×",
          reach: { most: 1.5 },
          detail: `${us(seen.oursOne, 0.99)} / ${us(seen.floorOne, 0.99)}`,
        },
        {
          what: "the first message after another contender's slice, p50",
          value: median(firsts(whole.oursOne)) / median(firsts(whole.floorOne)),
          unit: "×",
          detail: `${us([firsts(whole.oursOne)], 0.5)} / ${us([firsts(whole.floorOne)], 0.5)}`,
        },
        {
          what: `${MANY - 1} more receivers blocked, p50, against one`,
          value: median(seen.oursMany.map((slice, at) => median(slice) / median(seen.oursOne[at] ?? []))),
          unit: "×",
          reach: { most: 1.15 },
          detail: `${us(seen.oursMany, 0.5)} / ${us(seen.oursOne, 0.5)}; the floor ${us(seen.floorMany, 0.5)}`,
        },
      ];
    } finally {
      for (const child of children.reverse()) await child.stop();
      await hive.dispose();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Drops the messages that do not count. */
const flow = (slices: number[][]): number[][] => slices.map((slice) => slice.slice(FIRSTS));
/** The first message of every other slice: at the slices between, the order reverses and a contender may follow itself. */
const firsts = (slices: number[][]): number[] => slices.filter((_, at) => at % 2 === 1).map((slice) => slice[0] ?? Number.NaN);
