import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import type { Store } from "../store/store.ts";
import { HiveError } from "../wire/error.ts";
import { Paths } from "../lib/paths.ts";
import type { Agent } from "./agent.ts";
import { recordCommitted } from "./records.ts";
import { Swarm } from "./swarm.ts";

let folder: string;
let store: Store;
let swarm: Swarm;
let isFull = false;
const AT = "2030-01-31T00:00:00.000Z";

function open(): Swarm {
  return new Swarm({
    store: {
      all: store.agents.all,
      insert: (make) =>
        store.write(() => {
          if (isFull) throw new HiveError("disk_full", "the disk is full");
          return store.agents.insert(make);
        }),
      update: (id, patch) => store.write(() => store.agents.update(id, patch)),
    },
    paths: new Paths(folder, join(folder, "run")),
    identities: { identityFor: (ordinal) => ({ kind: "host-uid", uid: 210_000 + ordinal, gid: 210_000 + ordinal }) },
    now: () => 0,
  });
}

/** Does what a successful first deploy does. */
function publish(agent: Agent): void {
  recordCommitted(agent, { generation: 1 });
  swarm.publish(agent);
}

/** Stores what a purge stores. */
const purge = ({ id }: Agent) => store.write(() => store.agents.update(id, { destroyedAt: AT, purgedAt: AT }));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "swarm-"));
  store = openStoreIn(folder);
  swarm = open();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("agents that are created at the same time", () => {
  test("get different uids", async () => {
    const names = Array.from({ length: 8 }, (_, n) => `a${n}`);
    const agents = await Promise.all(names.map((name) => swarm.createDraft(name)));
    expect(new Set(agents.map((agent) => agent.record.identity.uid)).size).toBe(names.length);
  });

  test("with the same name become one agent, and the other call is rejected with the reason", async () => {
    const both = await Promise.allSettled([swarm.createDraft("ada"), swarm.createDraft("ada")]);
    expect(both.map((one) => one.status)).toEqual(["fulfilled", "rejected"]);
    expect(both[1]).toMatchObject({ reason: { code: "conflict", message: "there is an agent ada already" } });
  });
});

test("an agent is not listed before its first deploy has succeeded", async () => {
  const agent = await swarm.createDraft("ada");
  expect(swarm.all()).toEqual([]);
  expect(() => swarm.byName("ada")).toThrow("not managed by this hive");
  publish(agent);
  expect(swarm.byName("ada")).toBe(agent);
});

test("a uid is never reused, even after its agent was purged", async () => {
  const first = await swarm.createDraft("ada");
  publish(first);
  await purge(first);
  swarm.freeName("ada");
  const second = await swarm.createDraft("ada");
  expect(second.id).not.toBe(first.id);
  expect(second.record.identity.uid).not.toBe(first.record.identity.uid);
  await purge(second);
  swarm.dropDraft(second);
  // The next daemon does not reuse them either.
  const third = await open().createDraft("bob");
  expect([first, second].map((agent) => agent.record.identity.uid)).not.toContain(third.record.identity.uid);
});

test("a name is free again if its agent could not be stored or its draft was discarded", async () => {
  isFull = true;
  await expect(swarm.createDraft("ada")).rejects.toMatchObject({ code: "disk_full" });
  isFull = false;
  const draft = await swarm.createDraft("ada");
  await purge(draft);
  swarm.dropDraft(draft);
  await swarm.createDraft("ada");
});
