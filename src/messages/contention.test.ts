import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import { onUnexpected } from "../../test/lib/unexpected.ts";
import { Feed } from "../eventlog/feed.ts";
import type { Store } from "../store/store.ts";
import { HiveError } from "../wire/error.ts";
import type { Directory, Principal } from "./directory.ts";
import { Broker } from "./broker.ts";
import type { Served } from "./waiters.ts";
import { DEFAULT_SEND_RATE } from "./rate.ts";
import { openBus } from "../../test/lib/bus.ts";

/** Tests of the broker under a clock that jumps and next to an agent that floods. */

const HOUR = 3600_000;
const principals: Principal[] = Array.from({ length: 10 }, (_, n) => ({ id: `id-${n}`, name: `agent-${n}` }));
const directory: Directory = {
  byName: (name) => principals.find((one) => one.name === name),
  byId: (id) => principals.find((one) => one.id === id),
  live: () => principals,
  nameOf: (id) => principals.find((one) => one.id === id)?.name ?? id,
};
const never = new AbortController().signal;
let folder: string;
let store: Store;
let broker: Broker;
let clock: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "contention-"));
  clock = Date.parse("2026-01-31T12:00:00Z");
  store = openStoreIn(folder);
  const feed = new Feed(
    () => [],
    () => store.seq,
  );
  broker = new Broker({
    store,
    feed,
    directory,
    bus: openBus(),
    maxHops: 32,
    leaseGraceMs: 60_000,
    onUnexpected,
    now: () => clock,
  });
});
afterEach(() => {
  broker.stop();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

test.each([2 * HOUR, -2 * HOUR, 30 * 24 * HOUR, -30 * 24 * HOUR])(
  "a clock that jumps by %d ms keeps the order and refuses no sender",
  async (jump) => {
    const ids: number[] = [];
    const send = async (n: number): Promise<void> => {
      const { sent } = await broker.send({ id: "id-1" }, { to: "agent-0", body: String(n) });
      ids.push(sent[0]?.id ?? 0);
    };
    // The bucket is emptied before the jump: a jump back must not leave it empty for the length of the jump.
    for (let n = 0; n < DEFAULT_SEND_RATE.burst; n++) await send(n);
    clock += jump;
    await send(DEFAULT_SEND_RATE.burst).catch(() => {}); // May be refused after a jump back. The next send must not be.
    clock += 1000;
    await send(DEFAULT_SEND_RATE.burst + 1);
    expect([...ids].sort((a, b) => a - b)).toEqual(ids);
    for (const id of ids) {
      const served = await new Promise<Served>(broker.next("id-0", "instance", never));
      expect("message" in served && served.message.id).toBe(id);
      await broker.leases.finish("id-0", "instance", { kind: "ok" });
    }
    expect(broker.hasMail("id-0")).toBe(false);
  },
);

test("an agent that floods is refused beyond its rate, and nine quiet ones get their mail", async () => {
  const flood = 5_000;
  let refused = 0;
  let accepted = 0;
  const flooding = Array.from({ length: flood }, (_, n) =>
    broker.send({ id: "id-0" }, { to: "agent-1", body: `flood ${n}` }).then(
      () => accepted++,
      (error: unknown) => {
        expect(error).toBeInstanceOf(HiveError);
        expect((error as HiveError).code).toBe("rate_limited");
        refused++;
      },
    ),
  );
  const quiet = principals.slice(1).map(async ({ id }, n) => {
    const to = principals[2 + (n % 8)] ?? principals[9];
    if (!to || to.id === id) return undefined;
    const { sent } = await broker.send({ id }, { to: to.name, body: `quiet ${n}` });
    return { id: sent[0]?.id ?? 0, to: to.id };
  });
  await Promise.all(flooding);
  expect(accepted).toBe(DEFAULT_SEND_RATE.burst);
  expect(refused).toBe(flood - DEFAULT_SEND_RATE.burst);
  const mails = (await Promise.all(quiet)).filter((mail) => mail !== undefined);
  expect(mails).toHaveLength(9);
  for (const mail of mails) {
    const served = await new Promise<Served>(broker.next(mail.to, `i-${mail.to}`, never));
    expect("message" in served && served.message.body).toMatch(/^quiet /);
    await broker.leases.finish(mail.to, `i-${mail.to}`, { kind: "ok" });
  }
});
