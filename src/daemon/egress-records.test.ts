import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import type { EgressRecord } from "../gateway/egress/proxy.ts";
import type { Store } from "../store/store.ts";
import { EgressRecords } from "./egress-records.ts";

let folder: string;
let store: Store;
let now: number;
let records: EgressRecords;
let published: number;
/** Lines to the agent's harness. */
let pushed: unknown[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "egress-"));
  store = openStoreIn(folder);
  now = Date.parse("2030-01-31T00:00:00Z");
  published = 0;
  pushed = [];
  records = new EgressRecords({
    store,
    feed: { publish: () => void published++ },
    directory: { nameOf: () => "ada" },
    agents: { byId: () => ({ harness: { push: (line: unknown) => pushed.push(line) } as never }) },
    retention: { added: async () => {} },
    now: () => now,
  });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const record = (verdict: EgressRecord["verdict"], more: Partial<EgressRecord> = {}): Promise<void> =>
  records.record({ agentId: "a1", host: "a.example", port: 443, verdict, bytesIn: 0, bytesOut: 0, ...more });
const tail = (): string[] =>
  store.turns
    .page("a1", "ada", 1e9, { limit: 1000, bytes: Infinity })
    .events.flatMap(({ event }) => (event.type === "note" ? [event.text] : []));

test("a denied connection is a row and a note with its reason on the agent's tail, and an allowed one is only a row", async () => {
  await record("wrong server name", { serverName: "hidden.example" });
  await record("not listed");
  await record("private address", { host: "10.0.0.1", port: 80 });
  await record("allowed");
  expect(tail()).toEqual([
    "connection denied: a.example:443 (TLS name differs from CONNECT host: hidden.example)",
    "connection denied: a.example:443 (not listed)",
    "connection denied: 10.0.0.1:80 (resolves to a private address)",
  ]);
  expect(published).toBe(3);
  expect(pushed).toEqual([
    { push: "denied", words: "a.example:443, TLS name differs from CONNECT host: hidden.example" },
    { push: "denied", words: "a.example:443, not listed" },
    { push: "denied", words: "10.0.0.1:80, resolves to a private address" },
  ]);
  const rows = store.ledger.connections("a1", 1e9, 10).map(({ verdict }) => verdict);
  expect(rows).toEqual(["allowed", "private address", "not listed", "wrong server name"]);
});

test("a call to an API door is a row with what was called, and a denied one says so on the tail", async () => {
  const call = { api: "hub", method: "GET", path: "/a" };
  await record("allowed", { call: { ...call, status: 404 } });
  await record("call not listed", { call });
  expect(tail()).toEqual(["call denied: hub GET /a (not in the rules of the door)"]);
  const rows = store.ledger.connections("a1", 1e9, 10).map((row) => JSON.parse(row.call ?? "null") as unknown);
  expect(rows).toEqual([call, { ...call, status: 404 }]);
});

test("a flood of denied connections leaves ten notes a minute, and a row for each", async () => {
  for (let n = 0; n < 50; n++) await record("not listed");
  expect(tail()).toHaveLength(10);
  expect(tail().at(-1)).toContain("`npx hivectl egress ada`");
  expect(store.ledger.connections("a1", 1e9, 100)).toHaveLength(50);
  now += 60_000;
  await record("not listed");
  expect(tail()).toHaveLength(11);
});
