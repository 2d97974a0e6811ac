import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRole } from "../lib/child.ts";
import { hiveWith } from "../lib/hive.ts";
import { natsDefault, redisAlways } from "../lib/peers.ts";
import type { Figure, Row } from "../lib/row.ts";
import { interleave, median, type Contender } from "../lib/stats.ts";
import { ask, openLines } from "../lib/wire.ts";

const SLICE_MS = 500;
const SLICES = 7;
const BODY = "x".repeat(200);
/** Inboxes that the messages go to, in turn: none is read, and all together hold far more than a run sends. */
const INBOXES = Array.from({ length: 40 }, (_, at) => `q${at}`);
/** One agent takes at most 64 connections; the senders are spread over these. */
const SENDERS = ["s0", "s1"];

interface Sender {
  send(body: string, nth: number): Promise<void>;
  close(): unknown;
}

/** Durable sends per second: every sender waits for its answer before it sends again. */
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

      const onSocket =
        (socketOf: (nth: number) => string) =>
        async (nth: number): Promise<Sender> => {
          const lines = await openLines({ path: socketOf(nth) });
          return {
            close: lines.close,
            async send(body, count) {
              await ask(lines, { cmd: "send", id: 1, to: INBOXES[count % INBOXES.length], body });
            },
          };
        };
      const make: Record<string, (nth: number) => Promise<Sender>> = {
        ours: onSocket((nth) => grouped.agentSocket(SENDERS[nth % 2] ?? "")),
        alone: onSocket((nth) => alone.agentSocket(SENDERS[nth % 2] ?? "")),
        floor: onSocket(() => path),
        ...(nats ? { nats: () => nats.programSender(), natsBare: () => nats.sender() } : {}),
        ...(redis ? { redis: () => redis.programSender(), redisBare: () => redis.sender() } : {}),
      };
      const rates: Record<number, Record<string, number[][]>> = {};
      for (const senders of [1, 8, 64]) {
        const contenders: Record<string, Contender> = {};
        const open: Sender[] = [];
        for (const [name, sender] of Object.entries(make)) {
          const all = await crowd(sender, senders);
          open.push(...all);
          contenders[name] = rate(all);
        }
        try {
          rates[senders] = await interleave(contenders, senders === 64 && !quick ? SLICES : 3);
        } finally {
          // Also after a failure: a peer that is ended under its clients would end this process.
          for (const sender of open) await sender.close();
        }
      }
      return figures(rates);
    } finally {
      for (const close of closers.reverse()) await close();
    }
  },
};

const crowd = (sender: (nth: number) => Promise<Sender>, count: number): Promise<Sender[]> =>
  Promise.all(Array.from({ length: count }, (_, nth) => sender(nth)));

/** Sends per second of all senders together, over one slice. */
function rate(senders: readonly Sender[]): Contender {
  let count = 0;
  return async () => {
    const before = count;
    const start = performance.now();
    await Promise.all(
      senders.map(async (sender) => {
        while (performance.now() - start < SLICE_MS) await sender.send(BODY, count++);
      }),
    );
    return [((count - before) * 1000) / (performance.now() - start)];
  };
}

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
