import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRole } from "../lib/child.ts";
import type { TestHive } from "../../test/lib/hive.ts";
import { hiveWith } from "../lib/hive.ts";
import { natsDefault, redisAlways } from "../lib/peers.ts";
import type { Figure, Row } from "../lib/row.ts";
import { INBOXES, sendersTo, type Kind, type Senders } from "../lib/senders.ts";
import { interleave, median, type Contender } from "../lib/stats.ts";

const SLICE_MS = 500;
/** Seven slices vary by a tenth from run to run on two cores whose processor is shared. */
const SLICES = 13;
/** One agent accepts at most 64 connections, so the senders are spread over these. */
const SENDERS = ["s0", "s1"];

/** Durable sends per second. Every sender waits for its answer before it sends again. */
export const throughput: Row = {
  name: "throughput",
  async run({ quick }) {
    const folder = mkdtempSync(join(tmpdir(), "bench-sends-"));
    const closers: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
    try {
      const grouped = await hiveWith([...SENDERS, ...INBOXES]);
      closers.push(() => grouped.dispose());
      const alone = await hiveWith([...SENDERS, ...INBOXES], { HIVE_COMMIT_GROUP: "1" });
      closers.push(() => alone.dispose());
      const path = join(folder, "floor.sock");
      const floor = await startRole("floor", [path, join(folder, "floor.log")]);
      closers.push(() => floor.stop());
      const nats = await natsDefault();
      if (nats) closers.push(() => nats.stop());
      const redis = await redisAlways();
      if (redis) closers.push(() => redis.stop());

      const agents = (hive: TestHive): string[] => SENDERS.map((name) => hive.agentSocket(name));
      const talk: Record<string, [Kind, string[]]> = {
        ours: ["lines", agents(grouped)],
        alone: ["lines", agents(alone)],
        floor: ["lines", [path]],
        ...(nats ? { nats: ["nats", [nats.port]], natsBare: ["natsBare", [nats.port]] } : {}),
        ...(redis ? { redis: ["redis", [redis.port]], redisBare: ["redisBare", [redis.port]] } : {}),
      };
      const rates: Record<number, Record<string, number[][]>> = {};
      for (const count of [1, 8, 64]) {
        const contenders: Record<string, Contender> = {};
        const open: Senders[] = [];
        try {
          for (const [name, [kind, where]] of Object.entries(talk)) {
            const senders = await sendersTo(kind, count, where, SLICE_MS);
            open.push(senders);
            contenders[name] = senders.slice;
          }
          rates[count] = await interleave(contenders, count === 64 && !quick ? SLICES : 3);
        } finally {
          for (const senders of open) await senders.stop();
        }
      }
      return figures(rates);
    } finally {
      for (const close of closers.reverse()) await close();
    }
  },
};

function figures(rates: Record<number, Record<string, number[][]>>): Figure[] {
  const of = (name: string, senders: number): number => median((rates[senders]?.[name] ?? []).flat());
  const k = (name: string): string => [1, 8, 64].map((senders) => `${(of(name, senders) / 1000).toFixed(1)} k`).join(", ");
  const against = (name: string, label: string, least?: number): Figure => ({
    what: `durable sends/s at 64 senders, against ${label}`,
    value: median((rates[64]?.["ours"] ?? []).map((slice, at) => (slice[0] ?? 0) / (rates[64]?.[name]?.[at]?.[0] ?? Number.NaN))),
    unit: "×",
    ...(least === undefined ? {} : { reach: { least } }),
    detail: `${k("ours")} against ${k(name)} with 1, 8, 64`,
    ...(rates[64]?.[name] ? {} : { skipped: `there is no ${label} here` }),
  });
  return [
    against("nats", "NATS JetStream as packaged, by its Node client", 3),
    against("redis", "Redis streams with fsync always, by its Node client", 1),
    against("alone", "our own store with a commit per send", 6),
    against("natsBare", "NATS JetStream over bare sockets"),
    against("redisBare", "Redis streams over bare sockets"),
    against("floor", "the Node floor"),
  ];
}
