import fc from "fast-check";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { check } from "../src/deploys/check.ts";
import { isTerminal, terminalTag } from "../src/wire/request-states.ts";
import { HiveError } from "../src/wire/error.ts";
import { openTestSystem, type TestSystem } from "./lib/system.ts";
import { scaled } from "./lib/slowness.ts";

/**
 * Approves, denies, cancels, approves again and proposes for two agents, in any order and concurrently. This tests the
 * order, not the disk (the campaigns do that), so the hive is in memory if the machine has a folder there: syncs would
 * take half of the time.
 */
const TOP = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** With the examples enough to reach every end of a request. `npm run interleavings` runs many more. */
const RUNS = Number(process.env["INTERLEAVING_RUNS"] ?? 10);
const LIMIT_MS = scaled(180_000 + RUNS * 2_000);
let system: TestSystem;
let folder: string;
let proposals = 0;
const seen = { deployed: 0, failed: 0, denied: 0, cancelled: 0 };

beforeAll(async () => {
  folder = mkdtempSync(join(TOP, "interleavings-"));
  system = await openTestSystem({ folder });
  await system.firstStart();
  for (const name of ["ada", "bob"])
    await system.through((await system.requests.spawn({ name, by: "operator", origin: "spawn" })).id);
});
afterAll(async () => {
  await system.close();
  rmSync(folder, { recursive: true, force: true });
});

async function propose(agent: string): Promise<number> {
  const base64 = Buffer.from(JSON.stringify({ model: `model-${++proposals}` })).toString("base64");
  const files = [{ path: "agent.json", mode: "100644" as const, base64 }];
  return (await system.requests.proposeFiles({ agent, files, by: "operator" })).id;
}

const action = fc.record({
  what: fc.constantFrom("approve" as const, "deny" as const, "cancel" as const),
  /** The index of a request of this run. */
  which: fc.nat({ max: 2 }),
  /** Whether it waits for the previous step. */
  after: fc.boolean(),
});

/**
 * Two changes of one agent, each based on the same commit, approved concurrently: the second fails. Random steps rarely
 * do that.
 */
const BOTH_AT_ONCE = [0, 2].map((which) => ({ what: "approve" as const, which, after: false }));
/** Each decision of one request at the same moment, and then of another one after each other. */
const ALL_AT_ONCE = [0, 1].flatMap((which) =>
  (["deny", "approve", "cancel"] as const).map((what) => ({ what, which, after: which === 1 })),
);

async function act(what: "approve" | "deny" | "cancel", id: number): Promise<void> {
  try {
    if (what === "approve") await system.decisions.approve(id, {}, { by: "operator", digestNeeded: false });
    else if (what === "deny") await system.decisions.deny(id, "no", "operator");
    else await system.decisions.cancel(id, "operator");
  } catch (error) {
    // A late decision is refused in words. Any other error fails the test.
    if (!(error instanceof HiveError) || error.code !== "conflict") throw error;
  }
}

test(`${RUNS} interleavings: every request has one end and at most one tag of it`, { timeout: LIMIT_MS }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 9 }), async (actions) => {
      const ids = await Promise.all(["ada", "bob", "ada"].map(propose));
      let line: Promise<unknown> = Promise.resolve();
      for (const { what, which, after } of actions) {
        const id = ids[which] ?? 0;
        line = after ? line.then(() => act(what, id)) : Promise.all([line, act(what, id)]);
      }
      await line;
      // Cancel undecided requests, so that the run ends.
      expect(system.unexpected).toEqual([]);
      const left = ids.filter((id) => system.requestStore.get(id).state === "pending");
      await Promise.all(left.map((id) => system.decisions.cancel(id, "operator")));
      const rows = await Promise.all(ids.map((id) => system.deploys.finished(id)));
      const [ada, bob] = await Promise.all(["ada", "bob"].map((name) => system.repos.applied(name).refs()));
      for (const row of rows) {
        const { id } = row;
        expect(isTerminal(row.state), `request ${id} is ${row.state}`).toBe(true);
        seen[row.state as keyof typeof seen]++;
        const refs = row.name === "ada" ? ada : bob;
        const ends = ["deployed", "failed", "denied"].filter((tag) => refs?.has(`refs/tags/${tag}/${id}`));
        expect(ends).toEqual([terminalTag(row.state)].filter((tag) => tag !== undefined));
      }
    }),
    { numRuns: RUNS, endOnFailure: true, examples: [[BOTH_AT_ONCE], [ALL_AT_ONCE]] },
  );
  expect((await check(system.context)).filter((finding) => !finding.ok)).toEqual([]);
  expect(system.unexpected).toEqual([]);
  console.log(`${RUNS} interleavings, ${RUNS * 3} requests: ${JSON.stringify(seen)}`);
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
});

test("deploys of two agents that are approved at the same moment are both deployed", async () => {
  const ids = [await propose("ada"), await propose("bob")];
  await Promise.all(ids.map((id) => system.decisions.approve(id, {}, { by: "operator", digestNeeded: false })));
  const ends = await Promise.all(ids.map((id) => system.deploys.finished(id)));
  expect(ends.map((row) => row.state)).toEqual(["deployed", "deployed"]);
  const ledger = await system.repos.meta.ledger(await system.repos.meta.head());
  expect([ledger["ada"]?.rev, ledger["bob"]?.rev]).toEqual(ends.map((row) => row.sha));
});
