import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { createClient } from "@redis/client";
import { ready, startRole } from "./child.ts";
import { natsRequests } from "./peers.ts";
import type { Contender } from "./stats.ts";
import { ask, openLines } from "./wire.ts";

/**
 * Inboxes that get the messages in turn. They are never read, and together have room for a whole run at 150,000 sends a
 * second.
 */
export const INBOXES = Array.from({ length: 120 }, (_, at) => `q${at}`);
const BODY = "x".repeat(200);

/** Stores one message per call. Resolves when the contender confirms that it is stored. */
type Send = (nth: number) => Promise<unknown>;

/** Opens a sender by kind of contender and address: the sockets of agents or of the floor, or a peer's port. */
const OPEN = {
  async lines(path: string): Promise<Send> {
    const lines = await openLines({ path });
    return (nth) => ask(lines, { cmd: "send", id: 1, to: INBOXES[nth % INBOXES.length], body: BODY });
  },
  /** With the peer's own client, as a Node program would use it. */
  async nats(port: string): Promise<Send> {
    const client = jetstream(await connect({ servers: `127.0.0.1:${port}` }));
    return () => client.publish("inbox", BODY);
  },
  async redis(port: string): Promise<Send> {
    const client = createClient({ url: `redis://127.0.0.1:${port}` });
    await client.connect();
    return () => client.xAdd("inbox", "*", { body: BODY });
  },
  /** Over a bare socket, with as few instructions as the senders of the hive and the floor. */
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

/**
 * The role: opens this many senders. For each duration in milliseconds that it receives, sends that long and reports
 * the sends per second.
 */
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
 * Senders in a separate process. Each waits for its answer before it sends again; a slice returns the sends per second
 * of all together. The cost of a contender's client, and its effect on the process, do not affect other contenders.
 */
export async function sendersTo(kind: Kind, count: number, where: readonly string[], sliceMs: number): Promise<Senders> {
  const child = await startRole("senders", [kind, `${count}`, ...where]);
  let heard: (rate: number) => void = () => {};
  child.onMessage((rate: number) => heard(rate));
  return {
    slice() {
      const rate = new Promise<number>((resolve) => (heard = resolve));
      child.send(sliceMs);
      return Promise.race([rate, child.broke]).then((one) => [one]);
    },
    stop: () => child.stop(),
  };
}

export interface Senders {
  slice: Contender;
  stop(): Promise<void>;
}
