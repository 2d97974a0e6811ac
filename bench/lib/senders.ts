import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { createClient } from "@redis/client";
import { ready, startRole } from "./child.ts";
import { natsRequests } from "./peers.ts";
import type { Contender } from "./stats.ts";
import { ask, openLines } from "./wire.ts";

/** Inboxes that the messages go to, in turn: none is read, and all together hold what 150,000 sends a second make of a run. */
export const INBOXES = Array.from({ length: 120 }, (_, at) => `q${at}`);
const BODY = "x".repeat(200);

/** A connection that stores one message per call and resolves when whoever was asked says that it has it. */
type Send = (nth: number) => Promise<unknown>;

/** How a sender is opened, by what it talks to and where that is: the sockets of agents or of the floor, or a peer's port. */
const OPEN = {
  async lines(path: string): Promise<Send> {
    const lines = await openLines({ path });
    return (nth) => ask(lines, { cmd: "send", id: 1, to: INBOXES[nth % INBOXES.length], body: BODY });
  },
  /** By the peer's own client, as a Node program has one. */
  async nats(port: string): Promise<Send> {
    const client = jetstream(await connect({ servers: `127.0.0.1:${port}` }));
    return () => client.publish("inbox", BODY);
  },
  async redis(port: string): Promise<Send> {
    const client = createClient({ url: `redis://127.0.0.1:${port}` });
    await client.connect();
    return () => client.xAdd("inbox", "*", { body: BODY });
  },
  /** Over a bare socket: as few instructions as the hive's and the floor's senders take. */
  async natsBare(port: string, name: string): Promise<Send> {
    const request = await natsRequests(await openLines({ port: Number(port), host: "127.0.0.1" }), name);
    return async () => {
      const answer = await request("inbox", BODY);
      if (!answer.includes('"seq"')) throw new Error(`NATS says ${answer}`);
    };
  },
  async redisBare(port: string): Promise<Send> {
    const lines = await openLines({ port: Number(port), host: "127.0.0.1" });
    return async () => {
      lines.write(`*5\r\n$4\r\nXADD\r\n$5\r\ninbox\r\n$1\r\n*\r\n$4\r\nbody\r\n$${Buffer.byteLength(BODY)}\r\n${BODY}\r\n`);
      const size = await lines.next();
      if (!size.startsWith("$")) throw new Error(`Redis says ${size}`);
      await lines.next();
    };
  },
};

export type Kind = keyof typeof OPEN;

/** The role: opens that many senders and, told how many milliseconds, sends that long and tells how many a second it were. */
export async function senders([kind = "", count = "1", ...where]: string[]): Promise<void> {
  if (!Object.hasOwn(OPEN, kind)) throw new Error(`there are no senders to ${kind}`);
  const open = OPEN[kind as Kind];
  const all = await Promise.all(
    Array.from({ length: Number(count) }, (_, nth) => open(where[nth % where.length] ?? "", `s${nth}-${process.pid}`)),
  );
  let sent = 0;
  process.on("message", (sliceMs: number) => {
    const [before, start] = [sent, performance.now()];
    const during = all.map(async (send) => {
      while (performance.now() - start < sliceMs) await send(sent++);
    });
    void Promise.all(during).then(() => process.send?.(((sent - before) * 1000) / (performance.now() - start)));
  });
  ready();
}

/**
 * Senders in a process of their own: each waits for its answer before it sends again, and a slice gives how many a second
 * all of them together sent. What a contender's client costs, and what it makes of its process, meets no other contender.
 */
export async function sendersTo(kind: Kind, count: number, where: readonly string[], sliceMs: number): Promise<Senders> {
  const child = await startRole("senders", [kind, `${count}`, ...where]);
  let heard: (rate: number) => void = () => {};
  let broke: (error: Error) => void = () => {};
  child.onMessage((rate: number) => heard(rate));
  child.process.once("exit", () => broke(new Error(`the senders to ${kind} broke`)));
  return {
    slice() {
      const rate = new Promise<number>((resolve, reject) => ([heard, broke] = [resolve, reject]));
      child.send(sliceMs);
      return rate.then((one) => [one]);
    },
    stop: () => child.stop(),
  };
}

export interface Senders {
  slice: Contender;
  stop(): Promise<void>;
}
