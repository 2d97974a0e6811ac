import { afterEach, beforeEach, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import type { ApprovalRecord } from "../store/approvals.ts";
import { MAX_UNDECIDED_REQUESTS } from "../wire/limits.ts";

let system: TestSystem;
beforeEach(async () => {
  system = await openTestSystem();
});
afterEach(() => system.close());

/** An ended request of the manager. */
async function ended(end: Pick<ApprovalRecord, "state" | "resolved_by">): Promise<void> {
  const { store } = system;
  const row = { agent: null, name: "scout", kind: "apply_commit", origin: "request", requested_by: "hm1nd", description: null };
  const unknown = { base_sha: null, digest: null, candidate: null, previous: null, hyperhive: null, approved_at: null };
  const rest = {
    building_at: null,
    note: null,
    error: null,
    risks: "[]",
    stat: "{}",
    mount_owners: null,
    project: null,
    nix_read: 0,
    decided_base: null,
    resolved_at: 1,
  };
  await store.write(() => {
    const id = store.nextSeq();
    store.approvals.insert({ ...row, ...unknown, ...rest, ...end, id, seq: id, sha: "a", tree: "b", requested_at: 1 } as never);
  });
}
const ask = (by: string, name: string) => system.requests.spawn({ name, by, origin: "request" });

test("an agent whose requests end without the operator can make a hundred between two decisions", async () => {
  for (let n = 0; n < MAX_UNDECIDED_REQUESTS / 2; n++) {
    await ended({ state: "cancelled", resolved_by: "hm1nd" });
    await ended({ state: "failed", resolved_by: null });
  }
  await expect(ask("hm1nd", "scout")).rejects.toThrow("the operator must make the next one");
  // The operator is not counted, and a decision makes room.
  const { id } = await ask("operator", "scout");
  await system.decisions.deny(id, "operator", "operator");
  expect(await ask("hm1nd", "scout")).toMatchObject({ state: "pending" });
});

test("of two requests for one commit that are tried at the same time, one is stored", async () => {
  const { id } = await system.requests.spawn({ name: "scout", by: "operator", origin: "spawn" });
  await system.through(id);
  // Equal contents at the same second are the same commit.
  system.context.now = () => 1_700_000_000_000;
  const files = [{ path: "agent.json", mode: "100644" as const, base64: Buffer.from('{ "model": "haiku" }').toString("base64") }];
  const propose = () => system.requests.proposeFiles({ agent: "scout", files, by: "operator" });
  const both = await Promise.allSettled([propose(), propose()]);
  expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(both.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "conflict" } });
});
