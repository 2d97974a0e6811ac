import { randomBytes } from "node:crypto";
import type { LineClient } from "../../src/rpc/client.ts";
import { connectLines } from "../../src/rpc/client.ts";
import { HiveError } from "../../src/wire/error.ts";
import { PROTOCOL } from "../../src/wire/harness.ts";
import type { Checker } from "./checker.ts";

/** Pause before connecting again to a socket without a listener. Milliseconds. */
const AGAIN_MS = 10;

export interface World {
  checker: Checker;
  revision: string;
  generations: ReadonlyMap<string, number>;
  socketOf(agent: string): string;
  random(): number;
  /** The share of turns in which the harness is killed before it ends the turn. */
  killShare: number;
  harnessKills: number;
  isOver: boolean;
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, AGAIN_MS));

async function reach(world: World, agent: string): Promise<LineClient> {
  for (;;) {
    try {
      return await connectLines(world.socketOf(agent));
    } catch (error) {
      if (world.isOver) throw error;
      await pause();
    }
  }
}

/** A sending agent. It repeats a send without an answer under the same client id until it gets one. */
export async function sender(
  world: World,
  agent: string,
  others: readonly string[],
  share: () => boolean | Promise<boolean>,
): Promise<void> {
  let client = await reach(world, agent);
  for (let nth = 0; await share(); nth++) {
    const to = others[Math.floor(world.random() * others.length)] ?? "";
    const body = `${agent}-${nth}`;
    world.checker.sending(body, to);
    for (;;) {
      try {
        const { sent } = await client.call("send", { to, body, client_id: body });
        world.checker.sent(body, sent[0]?.id ?? 0);
        break;
      } catch (error) {
        if (!(error instanceof HiveError) || error.code !== "unavailable") throw error;
        await pause();
        client = await reach(world, agent);
      }
    }
  }
  client.close();
}

/**
 * A harness. It takes message after message and keeps its leases over a restart of the daemon. Sometimes it is killed
 * during a turn and replaced by a new one without state.
 */
export async function harness(world: World, agent: string): Promise<void> {
  let instance = newInstance();
  let held: { id: number; token: string; body: string } | undefined;
  while (!world.isOver) {
    // The connection fails only when the run has ended.
    const client = await reach(world, agent).catch(() => undefined);
    if (!client) return;
    try {
      const { leases, next_turn: first } = await client.call("hello", {
        protocol: PROTOCOL,
        revision: world.revision,
        generation: world.generations.get(agent) ?? 0,
        instance,
        leases: held ? [{ id: held.id, token: held.token }] : [],
        busy: held !== undefined,
      });
      // A lease that the daemon no longer honours has another holder now, or was acknowledged by a call whose answer
      // was lost.
      if (leases.length === 0) held = undefined;
      for (let turn = first; ; turn++) {
        if (!held) {
          const { message, token } = await client.call("next", {});
          if (!message || token === undefined) throw new HiveError("unavailable", "told to sleep");
          held = { id: message.id, token, body: message.body };
          world.checker.delivered({ inbox: agent, id: message.id, body: message.body, redelivered: message.redelivered });
        }
        if (world.random() < world.killShare) {
          world.harnessKills++;
          client.close();
          await client.closed;
          instance = newInstance();
          held = undefined;
          break;
        }
        await client.call("finish", { turn, outcome: { kind: "ok" } });
        world.checker.acknowledged(held.body);
        held = undefined;
      }
    } catch (error) {
      client.close();
      const isKnown = error instanceof HiveError && (error.code === "unavailable" || error.code === "conflict");
      if (!isKnown) throw error;
      await pause();
    }
  }
}

const newInstance = (): string => randomBytes(8).toString("hex");
