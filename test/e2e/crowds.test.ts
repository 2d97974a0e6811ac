import { once } from "node:events";
import { request } from "node:http";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectLines } from "../../src/rpc/client.ts";
import { IDLE_CLI, TestHive } from "../lib/hive.ts";
import { holdings } from "../lib/process.ts";
import { spawnStopped, standIn } from "../lib/stand-in.ts";

/** Crowds and floods against a real daemon: it refuses the excess in words and serves all others. */

const CROWD = 10_000;
/** Connections that are made at once. */
const WAVE = 500;
/** Pending sends of a flooding connection. */
const AT_ONCE = 2;
/** Maximum memory that a crowd of any size may cost the daemon. */
const MOST_BYTES = 192 * 1024 * 1024;
let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive(IDLE_CLI).start();
  await spawnStopped(hive, "ada");
});
afterAll(() => hive.dispose());

/** Maximum connections that are served, besides refused ones that exist for a moment. */
const DASHBOARD = 1_000;
const CAGE = 64;
const adas = (name: string): string => join(hive.agentSocket("ada"), "..", name);
/** The status of one request on a connection of its own. */
function ask(options: { socketPath: string } | { host: string; port: string }, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, path, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.once("error", reject);
    sent.end();
  });
}
const home = (): { host: string; port: string } => ({ host: new URL(hive.home).hostname, port: new URL(hive.home).port });

test.each([
  ["the model socket", CAGE, () => ({ path: adas("model.sock") }), () => ask({ socketPath: adas("model.sock") }, "/x"), 404],
  ["the egress socket", CAGE, () => ({ path: adas("egress.sock") }), () => ask({ socketPath: adas("egress.sock") }, "/x"), 404],
  [
    "the dashboard's port",
    DASHBOARD,
    () => ({ host: home().host, port: Number(home().port) }),
    () => ask(home(), "/healthz"),
    200,
  ],
] as const)(
  "of 10,000 silent connections to %s at most %d stay open, the others get the reason, and a request is served",
  async (_what, most, target, honest, status) => {
    expect(await honest()).toBe(status);
    const before = holdings(hive.pid);
    const held = new Set<Socket>();
    let told = 0;
    for (let n = 0; n < CROWD; n += WAVE) {
      const wave = Array.from({ length: WAVE }, () => {
        const socket = connect({ ...(target() as NetConnectOpts), allowHalfOpen: true } as NetConnectOpts);
        held.add(socket);
        let words = "";
        socket.on("error", () => {}); // The test checks that it closes, not why.
        socket.on("data", (chunk: Buffer) => (words += chunk.toString()));
        socket.once("close", () => held.delete(socket));
        socket.once("end", () => {
          if (/^HTTP\/1\.1 503 [^]*hyperhive: more than \d+ connections/.test(words)) told++;
          socket.destroy();
        });
        return once(socket, "connect");
      });
      await Promise.all(wave);
      // While the crowd is connected.
      expect(await honest()).toBe(status);
    }
    await expect.poll(() => held.size).toBeLessThanOrEqual(most);
    expect(told).toBeGreaterThanOrEqual(CROWD - most);
    const after = holdings(hive.pid);
    expect(after.descriptors - before.descriptors).toBeLessThanOrEqual(2 * most);
    expect(after.resident - before.resident).toBeLessThan(MOST_BYTES);
    expect(await honest()).toBe(status);
    expect((await hive.call("list", {})).agents).toEqual(["hm1nd", "ada"]);
    for (const socket of held) socket.destroy();
    console.log(
      `${CROWD} connections: ${told} told why, ${held.size} held, memory ${Math.round((after.resident - before.resident) / 1024 ** 2)} MiB more`,
    );
  },
);

test("one agent floods from 64 connections next to nine quiet ones: their messages arrive, and the dashboard answers", async () => {
  // Its turns would measure the flood's work, not the daemon's.
  await hive.call("stop", { scope: { agent_names: ["hm1nd"] }, graceful: false });
  const quiet = Array.from({ length: 9 }, (_, n) => `quiet-${n}`);
  await Promise.all(quiet.map((name) => spawnStopped(hive, name)));
  const browser = await hive.browser();
  const before = holdings(hive.pid);
  const flood = await Promise.all(Array.from({ length: CAGE }, () => connectLines(hive.agentSocket("ada"))));
  let isOver = false;
  const counts = { stored: 0, refused: 0 };
  const flooding = flood.map(async (client, n) => {
    while (!isOver) {
      const sends = Array.from({ length: AT_ONCE }, (_, m) =>
        client.call("send", { to: m === 0 ? "*" : "hm1nd", body: `flood ${n} ${"x".repeat(1000)}` }).then(
          () => counts.stored++,
          (error: { code?: string }) => {
            if (error.code !== "rate_limited") throw error;
            counts.refused++;
          },
        ),
      );
      await Promise.all(sends);
    }
  });
  const looks: number[] = [];
  const ins = await Promise.all(quiet.map((name) => standIn(hive, name, `quiet-harness-${name}`)));
  try {
    const sent = await Promise.all(
      ins.map(async ({ client }, n) => {
        const to = quiet[(n + 1) % quiet.length] ?? "";
        looks.push((await browser("/api/state")).status);
        return (await client.call("send", { to, body: `from ${n}` })).sent[0]?.id ?? 0;
      }),
    );
    // Each reads its inbox until its neighbour's message arrives. The flood's own messages are limited by its rate.
    await Promise.all(
      ins.map(async ({ client }, n) => {
        const wanted = sent[(n + quiet.length - 1) % quiet.length];
        for (let turn = 1, id = 0; id !== wanted; turn++) {
          id = (await client.call("next", {})).message?.id ?? 0;
          await client.call("finish", { turn, outcome: { kind: "ok" } });
        }
      }),
    );
    looks.push((await browser("/api/state")).status, (await browser("/")).status);
    expect(looks).toEqual(looks.map(() => 200));
  } finally {
    isOver = true;
  }
  await Promise.all(flooding);
  expect(counts.refused).toBeGreaterThan(counts.stored);
  expect(holdings(hive.pid).resident - before.resident).toBeLessThan(MOST_BYTES);
  console.log(
    `the flood: ${counts.stored} stored, ${counts.refused} refused; ${quiet.length} of ${quiet.length} quiet messages arrived`,
  );
  for (const { client } of ins) client.close();
  for (const client of flood) client.close();
});
