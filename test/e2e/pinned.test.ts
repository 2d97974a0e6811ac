import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectLines } from "../../src/rpc/client.ts";
import type { Sha } from "../../src/wire/approval.ts";
import type { Output } from "../../src/wire/operations.ts";
import { TestHive, cleanEnv } from "../lib/hive.ts";

/**
 * Exactly what was shown is deployed, or the approval is refused, whatever happens between to the proposed repository,
 * to names in the applied one and to what runs.
 */

let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive().play([{ when: { text: "." }, steps: [{ say: "ok" }] }]).start();
  await hive.call("spawn", { name: "ada" });
});
afterAll(() => hive.dispose());

function git(repo: string, ...argv: string[]): string {
  const who = ["-c", "safe.directory=*", "-c", "user.name=x", "-c", "user.email=x@hive.invalid"];
  return execFileSync("git", [...who, "-C", join(hive.stateDir, repo), ...argv], { env: cleanEnv(), encoding: "utf8" }).trim();
}
const CONFIG = "proposed/ada/config";
const applied = (): string => git("applied/ada.git", "rev-parse", "main");
let models = 0;
/** Commits a change in the proposed repository, based on what runs. */
function commit(): Sha {
  git(CONFIG, "fetch", "-q", join(hive.stateDir, "applied/ada.git"), "main");
  git(CONFIG, "reset", "-q", "--hard", "FETCH_HEAD");
  writeFileSync(join(hive.stateDir, CONFIG, "agent.json"), JSON.stringify({ model: `model-${++models}` }));
  git(CONFIG, "commit", "-qam", "change");
  return git(CONFIG, "rev-parse", "HEAD");
}
/** Requests a commit as the manager does, and shows it as the operator does. */
async function lookedAt(sha: Sha): Promise<Output<"show">> {
  const manager = await connectLines(hive.agentSocket("hm1nd"));
  const { request } = await manager.call("request_apply_commit", { agent: "ada", commit: sha });
  manager.close();
  return hive.call("show", { id: request });
}
const seen = ({ approval }: Output<"show">) => ({ id: approval.id, sha: approval.sha ?? "", digest: approval.digest ?? "" });
async function ends(id: number, state: string): Promise<void> {
  await hive.watch((event) => event.kind === "approval" && event.approval.id === id && event.approval.state === state, {
    after: 0,
    kinds: ["approval"],
  });
  await hive.untilAgent("ada", (agent) => agent.deploying === undefined);
}

test("amending, forcing and emptying a proposed repository does not change what was shown", async () => {
  const sha = commit();
  const look = await lookedAt(sha);
  writeFileSync(join(hive.stateDir, CONFIG, "agent.json"), JSON.stringify({ model: "evil", egress: ["evil.invalid"] }));
  git(CONFIG, "commit", "-q", "-a", "--amend", "-m", "innocent");
  git(CONFIG, "tag", "-f", `proposal/${look.approval.id}`);
  git(CONFIG, "reflog", "expire", "--expire=now", "--all");
  git(CONFIG, "gc", "-q", "--prune=now");
  expect(() => git(CONFIG, "cat-file", "-e", sha)).toThrow();
  expect(await hive.call("show", { id: look.approval.id })).toEqual(look);
  rmSync(join(hive.stateDir, CONFIG, ".git"), { recursive: true });
  expect(await hive.call("show", { id: look.approval.id })).toEqual(look);
  await hive.call("approve", seen(look));
  await ends(look.approval.id, "deployed");
  expect(applied()).toBe(sha);
  expect((await hive.untilAgent("ada", () => true)).model).toBe(`model-${models}`);
  expect((await hive.call("check", {})).holds).toBe(true);
  // An empty folder counts as missing: the next deploy restores the manager's repository.
  rmSync(join(hive.stateDir, CONFIG), { recursive: true });
  const { request } = await hive.call("rebuild", { name: "ada" });
  await ends(request, "deployed");
});

test("another commit or another digest is refused, and nothing has happened", async () => {
  const look = await lookedAt(commit());
  const before = applied();
  const { id, sha, digest } = seen(look);
  await expect(hive.call("approve", { id, sha: before, digest })).rejects.toThrow("look again");
  await expect(hive.call("approve", { id, sha, digest: "0".repeat(64) })).rejects.toThrow("look again");
  expect((await hive.call("show", { id })).approval.state).toBe("pending");
  // What runs changes, and with it the diff that was shown.
  const { deploys } = await hive.call("deploys", { agent: "ada" });
  const other = deploys.find((one) => one.state === "deployed" && one.sha !== before);
  const { request: back } = await hive.call("rollback", { agent: "ada", id: other?.id ?? 0 });
  await ends(back, "deployed");
  for (const word of [{ id, sha, digest }, { id }])
    await expect(hive.call("approve", word)).rejects.toThrow("what runs has changed since, look again");
  await hive.call("deny", { id });
  expect(applied()).toBe(other?.sha);
});

test("a tag that was moved in the applied repository behind the daemon's back is refused", async () => {
  const look = await lookedAt(commit());
  const { id, sha } = seen(look);
  const before = applied();
  git("applied/ada.git", "update-ref", `refs/tags/proposal/${id}`, before);
  await expect(hive.call("approve", seen(look))).rejects.toThrow(`proposal/${id} names ${before} now, not ${sha}: look again`);
  git("applied/ada.git", "update-ref", `refs/tags/proposal/${id}`, sha);
  await hive.call("approve", seen(look));
  await ends(id, "deployed");
  expect(applied()).toBe(sha);
  expect((await hive.call("check", {})).holds).toBe(true);
});

test("a commit that is missing in the applied repository is refused; the hive starts, shows it, and continues", async () => {
  const look = await lookedAt(commit());
  const { id, sha } = seen(look);
  const before = { applied: applied(), meta: git("meta", "rev-parse", "main") };
  const object = join(hive.stateDir, "applied/ada.git/objects", sha.slice(0, 2), sha.slice(2));
  const bytes = readFileSync(object);
  rmSync(object);
  await hive.crash();
  await hive.start();
  const ada = await hive.untilAgent("ada", (agent) => agent.running);
  expect(ada.warnings.join()).toContain("its applied repository is damaged");
  await expect(hive.call("approve", seen(look))).rejects.toThrow("the applied repository of ada is damaged");
  expect({ applied: applied(), meta: git("meta", "rev-parse", "main") }).toEqual(before);
  expect((await hive.call("check", {})).holds).toBe(false);
  // It is restored from a backup.
  writeFileSync(object, bytes);
  await hive.crash();
  await hive.start();
  expect((await hive.call("check", {})).holds).toBe(true);
  await hive.call("approve", seen(look));
  await ends(id, "deployed");
  expect(applied()).toBe(sha);
});
