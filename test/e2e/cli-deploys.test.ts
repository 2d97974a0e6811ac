import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Output } from "../../src/wire/operations.ts";
import { cliInside } from "../lib/cli-inside.ts";
import { IDLE_CLI, TestHive, cleanEnv } from "../lib/hive.ts";

/** Every verb for requests and deploys, against a real hive. */

let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive(IDLE_CLI).start();
});
afterAll(() => hive.dispose());

const hivectl = (...argv: string[]) => cliInside("--socket", hive.socket, ...argv);
/** Runs a verb that must succeed. Returns its output. */
async function ok(...argv: string[]): Promise<string> {
  const { code, out, err } = await hivectl(...argv);
  expect({ argv, code, err }).toEqual({ argv, code: 0, err: "" });
  return out;
}
const json = async <T>(...argv: string[]): Promise<T> => JSON.parse(await ok(...argv, "--json")) as T;
/** The number of the request that a verb made, from its output. */
const idOf = (said: string): string => /#(\d+)/.exec(said)?.[1] ?? `no id in: ${said}`;
let folders = 0;
function configFolder(config: object): string {
  const folder = join(hive.folder, `config-${++folders}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "agent.json"), JSON.stringify(config));
  return folder;
}
const settled = (id: string) =>
  hive.watch((event) => event.kind === "approval" && event.approval.id === Number(id) && event.approval.state === "deployed", {
    after: 0,
    kinds: ["approval"],
  });
const rests = (name: string) => hive.untilAgent(name, (agent) => agent.deploying === undefined);

test("request-spawn, pending, requests, show and approve --wait: an agent is created", async () => {
  expect(await ok("pending")).toBe("nothing waits for approval\n");
  const id = idOf(await ok("request-spawn", "scout", "-d", "looks things up"));
  expect(await ok("pending")).toMatch(new RegExp(`${id} +scout +spawn +pending .*looks things up`));
  const { approvals } = await json<Output<"pending">>("pending");
  expect(approvals).toMatchObject([{ id: Number(id), agent: "scout", kind: "spawn", status: "pending" }]);
  const shown = await ok("show", id);
  expect(shown).toContain("looks things up");
  expect(shown).toContain("── added  agent.json");
  // There is no terminal to ask on.
  expect(await hivectl("approve", id)).toMatchObject({ code: 2 });
  expect(await ok("approve", id, "--yes", "--wait")).toMatch(/approved\n(?:[a-z]+\n)*deployed\n$/);
  expect(await ok("requests", "scout")).toMatch(new RegExp(`${id} +scout +spawn +deployed`));
  expect(await hivectl("show", "999999")).toMatchObject({ code: 1, err: "hivectl: there is no request 999999\n" });
});

test("propose a folder, also for hm1nd; --sha, deny with a note, cancel-request", async () => {
  await rests("scout");
  const id = idOf(await ok("propose", "scout", configFolder({ model: "haiku" }), "-d", "cheaper"));
  const { approval } = await json<Output<"show">>("show", id);
  expect(approval).toMatchObject({ agent: "scout", state: "pending", requested_by: "operator", description: "cheaper" });
  expect(await hivectl("approve", id, "--sha", "000000000000")).toMatchObject({ code: 1 });
  await ok("approve", id, "--sha", (approval.sha ?? "").slice(0, 12), "--wait");
  expect((await rests("scout")).model).toBe("haiku");

  const own = idOf(await ok("propose", "hm1nd", configFolder({ model: "opus" })));
  expect(await ok("deny", own, "--note", "not this week")).toBe(`#${own} denied\n`);
  expect((await json<Output<"show">>("show", own)).approval).toMatchObject({ state: "denied", note: "not this week" });
  expect(await hivectl("approve", own, "--yes")).toMatchObject({ code: 1, err: expect.stringContaining("was denied") as string });
  const other = idOf(await ok("propose", "hm1nd", configFolder({ model: "sonnet" })));
  expect(await ok("cancel-request", other)).toBe(`#${other} cancelled\n`);
  const mine = idOf(await ok("propose", "hm1nd", configFolder({ model: "opus", description: "leads" })));
  await ok("approve", mine, "--yes", "--wait");
  expect((await rests("hm1nd")).model).toBe("opus");
});

test("propose a commit of the proposed repository", async () => {
  const config = join(hive.stateDir, "proposed/scout/config");
  const git = (...argv: string[]): string => {
    const who = ["-c", "safe.directory=*", "-c", "user.name=x", "-c", "user.email=x@hive.invalid"];
    return execFileSync("git", [...who, "-C", config, ...argv], { env: cleanEnv(), encoding: "utf8" });
  };
  // The operator has deployed since. Rebase onto that, as anyone would.
  git("-c", "protocol.file.allow=always", "fetch", "-q", join(hive.stateDir, "applied/scout.git"), "main");
  git("reset", "-q", "--hard", "FETCH_HEAD");
  writeFileSync(join(config, "agent.json"), JSON.stringify({ model: "sonnet" }));
  git("commit", "-qam", "another model");
  const sha = git("rev-parse", "HEAD").trim();
  expect(await hivectl("propose", "scout", sha.slice(0, 12))).toMatchObject({ code: 2 });
  const id = idOf(await ok("propose", "scout", sha));
  expect(await ok("show", id)).toMatch(/-.*haiku[^]*\+.*sonnet/);
  await ok("approve", id, "--sha", sha, "--wait");
  expect((await rests("scout")).model).toBe("sonnet");
});

test("deploys and rollback --wait; a failing deploy ends with 1 and the reason", async () => {
  const { deploys } = await json<Output<"deploys">>("deploys", "scout");
  expect(deploys.map((one) => one.runs)).toEqual([true, false, false]);
  expect(await ok("deploys", "scout")).toMatch(new RegExp(`● +${deploys[0]?.id} +deployed`));
  const said = await ok("rollback", "scout", String(deploys[1]?.id), "--wait");
  expect(said).toMatch(/takes scout back to deploy \d+[^]*deployed\n$/);
  expect((await rests("scout")).model).toBe("haiku");
  expect(await hivectl("rollback", "scout", idOf(said))).toMatchObject({
    code: 1,
    err: expect.stringContaining("is what runs") as string,
  });
  expect(await hivectl("rollback", "scout", "1")).toMatchObject({
    code: 1,
    err: expect.stringContaining("has no deploy 1") as string,
  });
  const host = realpathSync(mkdtempSync(join(tmpdir(), "corpus-")));
  chmodSync(host, 0o755);
  const withCorpus = configFolder({ model: "haiku", mounts: [{ host, cage: "/corpus" }] });
  const id = idOf(await ok("propose", "scout", withCorpus));
  rmSync(host, { recursive: true });
  const failed = await hivectl("approve", id, "--yes", "--wait");
  expect(failed).toMatchObject({ code: 1, err: expect.stringContaining(`${host} does not exist`) as string });
});

test("rebuild, update, meta and meta-update", async () => {
  await rests("scout");
  const { results } = await json<{ results: { request?: number }[] }>("rebuild", "scout");
  await settled(String(results[0]?.request));
  await rests("scout");
  expect(await ok("update", "--all")).toMatch(/scout is up to date, or will be/);
  expect(await ok("update", "--all", "--wait")).toMatch(/^hm1nd is up to date\nscout is up to date\n$/);
  const { inputs, head } = await json<Output<"meta">>("meta");
  expect(inputs.map((one) => one.name)).toEqual(["hyperhive", "agent-hm1nd", "agent-scout"]);
  const listed = await ok("meta");
  expect(listed).toContain(`meta ${head?.slice(0, 12)}\n`);
  expect(listed).toMatch(/hyperhive +\S+.*hm1nd, scout\n/);
  expect(await ok("meta-update", "agent-scout", "--wait", "--note", "a newer one")).toMatch(
    /#\d+ scout: approved\n[^]*#\d+ scout: deployed\nscout is rebuilt\n$/,
  );
  const { approvals } = await json<Output<"approvals">>("requests", "scout", "-n", "1");
  expect(approvals).toMatchObject([{ state: "deployed", origin: "update", note: "a newer one" }]);
  expect(approvals[0]?.id).toBeGreaterThan(results[0]?.request ?? 0);
  expect(await hivectl("meta-update", "agent-ghost")).toMatchObject({
    code: 1,
    err: expect.stringContaining("no input") as string,
  });
});

test("force: a deploy does not wait for the running turn", async () => {
  await rests("scout");
  // Only once, so that its redelivery ends.
  writeFileSync(join(await hive.folderOf("scout"), "state", "long.sh"), "rm /state/long.sh; tail -f /dev/null\n");
  await ok("send", "scout", "run /state/long.sh");
  await hive.untilMessage((message) => message.to === "scout" && message.state === "leased");
  const id = idOf(await ok("propose", "scout", configFolder({ model: "opus" })));
  await ok("approve", id, "--yes");
  await hive.watch(
    (event) => event.kind === "approval" && event.approval.id === Number(id) && event.approval.state === "waiting",
    {
      after: 0,
      kinds: ["approval"],
    },
  );
  expect(await ok("force", id)).toBe(`#${id} does not wait\n`);
  await settled(id);
  expect(await hivectl("force", id)).toMatchObject({ code: 1, err: expect.stringContaining("nothing to force") as string });
});

test("destroy, tombstones, revive, and destroy --purge", async () => {
  await rests("scout");
  expect(await ok("destroy", "scout", "--yes", "--note", "too slow")).toContain("hivectl revive scout");
  expect(await ok("tombstones")).toMatch(/^NAME[^\n]*\nscout /);
  expect((await json<Output<"audit">>("audit", "scout", "--kind", "destroyed")).entries).toMatchObject([{ reason: "too slow" }]);
  expect(await ok("revive", "scout", "--wait")).toMatch(/^#\d+ scout: [^]*scout: deployed\nscout is revived\n$/);
  expect((await rests("scout")).running).toBe(true);
  await ok("destroy", "scout", "--purge", "--yes");
  expect(await ok("tombstones")).not.toContain("scout");
  expect((await json<Output<"meta">>("meta")).inputs.map((one) => one.name)).toEqual(["hyperhive", "agent-hm1nd"]);
  expect(await hivectl("destroy", "hm1nd", "--yes")).toMatchObject({
    code: 1,
    err: expect.stringContaining("cannot be destroyed") as string,
  });
});

test("audit answers who approved what and which commit ran when, as a table and as JSON; check finds nothing", async () => {
  const { deploys } = await json<Output<"deploys">>("deploys", "hm1nd");
  const mine = deploys.find((one) => one.runs);
  const { entries } = await json<Output<"audit">>("audit", "--request", String(mine?.id));
  expect(entries.find((one) => one.kind === "approved")).toMatchObject({ actor: "operator", agent: "hm1nd", sha: mine?.sha });
  expect(entries.map((one) => one.kind)).toEqual(expect.arrayContaining(["requested", "approved", "deployed", "rebuilt"]));
  expect(await ok("audit", "hm1nd", "--kind", "approved")).toMatch(
    new RegExp(`operator +approved +hm1nd +#${mine?.id} +${mine?.sha?.slice(0, 12)}`),
  );
  expect(await ok("check")).toMatch(/all invariants hold\n$/);
  const { holds, findings } = await json<Output<"check">>("check");
  expect([holds, findings.length]).toEqual([true, 14]);
});
