import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cleanEnv } from "../../test/lib/hive.ts";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import type { Sha } from "../wire/approval.ts";
import type { Input, OperationName, Output } from "../wire/operations.ts";

/**
 * Exactly what was shown is deployed, or the approval is refused, whatever happens between to the proposed repository,
 * to names in the applied one and to what runs. With the real repositories and git.
 */

let folder: string;
let state: string;
let system: TestSystem;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pinned-"));
  state = join(folder, "s");
  system = await openTestSystem({ folder });
  await system.firstStart();
  await system.through((await system.requests.spawn({ name: "ada", by: "operator", origin: "spawn" })).id);
});
afterAll(async () => {
  await system.close();
  rmSync(folder, { recursive: true, force: true });
});
/** The next daemon on the same folder. */
async function restart(): Promise<void> {
  await system.close();
  system = await openTestSystem({ folder });
}
const call = <N extends OperationName>(name: N, input: Input<N>): Promise<Output<N>> =>
  system.callAs(system.operator, name, input);

function git(repo: string, ...argv: string[]): string {
  const who = ["-c", "safe.directory=*", "-c", "user.name=x", "-c", "user.email=x@hive.invalid"];
  return execFileSync("git", [...who, "-C", join(state, repo), ...argv], { env: cleanEnv(), encoding: "utf8" }).trim();
}
const ada = async () => (await call("state", { messages: 0 })).state.agents.find(({ name }) => name === "ada");
const CONFIG = "proposed/ada/config";
const applied = (): string => git("applied/ada.git", "rev-parse", "main");
let models = 0;
/** Commits a change in the proposed repository, based on what runs. */
function commit(): Sha {
  git(CONFIG, "fetch", "-q", join(state, "applied/ada.git"), "main");
  git(CONFIG, "reset", "-q", "--hard", "FETCH_HEAD");
  writeFileSync(join(state, CONFIG, "agent.json"), JSON.stringify({ model: `model-${++models}` }));
  git(CONFIG, "commit", "-qam", "change");
  return git(CONFIG, "rev-parse", "HEAD");
}
/** Requests a commit as the manager does, and shows it as the operator does. */
async function lookedAt(sha: Sha): Promise<Output<"show">> {
  const manager = { kind: "agent", agent: system.swarm.byName("hm1nd") } as never;
  const { request } = await system.callAs(manager, "request_apply_commit", { agent: "ada", commit: sha });
  return call("show", { id: request });
}
const seen = ({ approval }: Output<"show">) => ({ id: approval.id, sha: approval.sha ?? "", digest: approval.digest ?? "" });
test("amending, forcing and emptying a proposed repository does not change what was shown", async () => {
  const sha = commit();
  const look = await lookedAt(sha);
  writeFileSync(join(state, CONFIG, "agent.json"), JSON.stringify({ model: "evil", egress: ["evil.invalid"] }));
  git(CONFIG, "commit", "-q", "-a", "--amend", "-m", "innocent");
  git(CONFIG, "tag", "-f", `proposal/${look.approval.id}`);
  git(CONFIG, "reflog", "expire", "--expire=now", "--all");
  git(CONFIG, "gc", "-q", "--prune=now");
  expect(() => git(CONFIG, "cat-file", "-e", sha)).toThrow();
  expect(await call("show", { id: look.approval.id })).toEqual(look);
  rmSync(join(state, CONFIG, ".git"), { recursive: true });
  expect(await call("show", { id: look.approval.id })).toEqual(look);
  await call("approve", seen(look));
  await system.through(look.approval.id);
  expect(applied()).toBe(sha);
  expect((await ada())?.model).toBe(`model-${models}`);
  expect((await call("check", {})).holds).toBe(true);
  // An empty folder counts as missing: the next deploy restores the manager's repository.
  rmSync(join(state, CONFIG), { recursive: true });
  const { request } = await call("rebuild", { name: "ada" });
  await system.through(request);
});

test("another commit or another digest is refused, and nothing has happened", async () => {
  const look = await lookedAt(commit());
  const before = applied();
  const { id, sha, digest } = seen(look);
  await expect(call("approve", { id, sha: before, digest })).rejects.toThrow("look again");
  await expect(call("approve", { id, sha, digest: "0".repeat(64) })).rejects.toThrow("look again");
  expect((await call("show", { id })).approval.state).toBe("pending");
  // What runs changes, and with it the diff that was shown.
  const { deploys } = await call("deploys", { agent: "ada" });
  const other = deploys.find((one) => one.state === "deployed" && one.sha !== before);
  const { request: back } = await call("rollback", { agent: "ada", id: other?.id ?? 0 });
  await system.through(back);
  for (const word of [{ id, sha, digest }, { id }])
    await expect(call("approve", word)).rejects.toThrow("what runs has changed since, look again");
  await call("deny", { id });
  expect(applied()).toBe(other?.sha);
});

test("a tag that was moved in the applied repository behind the daemon's back is refused", async () => {
  const look = await lookedAt(commit());
  const { id, sha } = seen(look);
  const before = applied();
  git("applied/ada.git", "update-ref", `refs/tags/proposal/${id}`, before);
  await expect(call("approve", seen(look))).rejects.toThrow(`proposal/${id} names ${before} now, not ${sha}: look again`);
  git("applied/ada.git", "update-ref", `refs/tags/proposal/${id}`, sha);
  await call("approve", seen(look));
  await system.through(id);
  expect(applied()).toBe(sha);
  expect((await call("check", {})).holds).toBe(true);
});

test("a commit that is missing in the applied repository is refused; the hive starts, shows it, and continues", async () => {
  const look = await lookedAt(commit());
  const { id, sha } = seen(look);
  const before = { applied: applied(), meta: git("meta", "rev-parse", "main") };
  const object = join(state, "applied/ada.git/objects", sha.slice(0, 2), sha.slice(2));
  const bytes = readFileSync(object);
  rmSync(object);
  await restart();
  expect((await ada())?.warnings.join()).toContain("its applied repository is damaged");
  await expect(call("approve", seen(look))).rejects.toThrow("the applied repository of ada is damaged");
  expect({ applied: applied(), meta: git("meta", "rev-parse", "main") }).toEqual(before);
  expect((await call("check", {})).holds).toBe(false);
  // It is restored from a backup.
  writeFileSync(object, bytes);
  await restart();
  expect((await call("check", {})).holds).toBe(true);
  await call("approve", seen(look));
  await system.through(id);
  expect(applied()).toBe(sha);
});
