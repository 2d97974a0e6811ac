import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import { onUnexpected } from "../../test/lib/unexpected.ts";
import { Feed } from "../eventlog/feed.ts";
import type { Store } from "../store/store.ts";
import { PAIRS } from "../wire/pairs.ts";
import { Announcements } from "./announcements.ts";
import { Broker } from "./broker.ts";
import type { Directory } from "./directory.ts";
import { announceOutcomes } from "../agents/outcomes.ts";
import type { Agent } from "../agents/agent.ts";
import { turnResultOf, type TurnOutcome } from "../wire/harness.ts";
import { openBus } from "../../test/lib/bus.ts";

const MANAGER = { id: "id-hm1nd", name: "hm1nd" };
const directory: Directory = { byName: () => MANAGER, byId: () => MANAGER, live: () => [MANAGER], nameOf: (id) => id };
let folder: string;
let store: Store;
let broker: Broker;
let announcements: Announcements;
let published: string[];

function open(): Announcements {
  const feed = new Feed(
    () => [],
    () => store.seq,
  );
  feed.subscribe({}, ({ event }) => {
    if (event.kind === "turn" && event.turn.event.type === "note") published.push(event.turn.event.text);
    return true;
  });
  const agents = { manager: () => MANAGER, find: (name: string) => ({ id: `id-${name}`, deploying: undefined }) };
  return new Announcements({ store, feed, broker, agents, log: { info: () => {} }, onUnexpected, now: Date.now });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "announcements-"));
  store = openStoreIn(folder);
  published = [];
  const feed = new Feed(
    () => [],
    () => store.seq,
  );
  broker = new Broker({ store, feed, directory, bus: openBus(), maxHops: 3, leaseGraceMs: 60_000, onUnexpected });
  announcements = open();
});
afterEach(() => {
  broker.stop();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const notified = (): string[] =>
  broker.queued(MANAGER.id).map((id) => (JSON.parse(store.messages.byId(id)?.body ?? "") as { event: string }).event);
const tail = (name = "scout"): string[] =>
  store.turns
    .page(`id-${name}`, name, Number.MAX_SAFE_INTEGER, { limit: 50, bytes: Infinity })
    .events.map(({ event }) => (event.type === "note" ? event.text : ""));
const audited = (name = "scout"): string[] =>
  store.ledger
    .audited({ agent: name, before: Number.MAX_SAFE_INTEGER, limit: 50 })
    .map(({ kind }) => kind)
    .reverse();
const announce = (event: string, agent = "scout"): Promise<void> => announcements.announce({ event, agent, reason: "why" });

describe.each(PAIRS.flatMap(({ begin, ends, toManager }) => ends.map((end) => [begin, end, toManager] as const)))(
  "%s and %s",
  (begin, end, toManager) => {
    test("are in the audit trail, in the tail, and sent to the manager if it is notified of them", async () => {
      await announce(begin);
      // A daemon that starts in between reads the begin from the store.
      announcements = open();
      await announce(end);
      expect(audited()).toEqual([begin, end]);
      expect(tail()).toHaveLength(2);
      expect(published).toEqual(tail());
      expect(notified()).toEqual(toManager ? [begin, end] : []);
    });
  },
);

test("an end without a begin is not reported", async () => {
  await announce("started");
  await announcements.announceEnd("logged_in", "scout");
  await announce("killed", "guest");
  await announce("started");
  expect(tail()).toEqual([]);
  expect(notified()).toEqual(["killed"]);
  expect(audited()).toEqual(["started", "started"]);
});

test("a begun state ends once, and agents with the same name have separate states", async () => {
  await announce("killed");
  await announce("started");
  await announce("started");
  expect(notified()).toEqual(["killed", "started"]);
  await announce("killed");
  await announce("destroyed");
  await announce("spawned");
  await announce("started");
  expect(tail().filter((words) => words.includes("runs again"))).toHaveLength(1);
});

test("turns that report the same condition announce it once, and a successful turn ends it", async () => {
  const bus = openBus();
  announceOutcomes(bus, announcements);
  const ended = (outcome: TurnOutcome) =>
    bus.emitAndWait("turn_ended", { agent: { name: "scout" } as Agent, result: turnResultOf(outcome), outcome });
  for (const why of ["rate_limited", "needs_login", "upstream", "rate_limited", "billing", "machine", "session_lost"] as const)
    await ended({ kind: "parked", why, reason: "no" });
  await ended({ kind: "failed", why: "failed", reason: "no" });
  for (let n = 0; n < 2; n++) await ended({ kind: "ok" });
  expect(audited()).toEqual([
    "rate_limited",
    "needs_login",
    "upstream_down",
    "parked",
    "logged_in",
    "rate_limit_over",
    "upstream_back",
    "unparked",
  ]);
  expect(notified()).toEqual(["needs_login", "logged_in"]);
});

test("a turn that a budget ends is announced as over budget, with the limit and not with the error of the CLI", async () => {
  const bus = openBus();
  announceOutcomes(bus, announcements);
  const overBudget = { scope: "agent", kind: "cost_per_day_usd", limit: 0.02, extra: 0 } as Agent["overBudget"];
  const outcome: TurnOutcome = { kind: "parked", why: "rate_limited", reason: "API Error: Request rejected (429)" };
  const ended = (of: TurnOutcome) =>
    bus.emitAndWait("turn_ended", { agent: { name: "scout", overBudget } as Agent, result: turnResultOf(of), outcome: of });
  await ended(outcome);
  expect(tail()).toEqual(["scout is over budget: the budget of $0.02 a day is used up"]);
  await ended({ kind: "ok" });
  expect(tail().at(-1)).toBe("scout goes on: no limit holds it any more");
});

test("the manager is not notified about itself, but its tail has the event", async () => {
  await announce("killed", "hm1nd");
  expect(notified()).toEqual([]);
  expect(tail("hm1nd")).toEqual(["hm1nd was stopped: why"]);
});
