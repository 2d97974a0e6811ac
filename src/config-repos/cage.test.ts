import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bwrapDriver } from "../platforms/bwrap/driver.ts";
import type { CageSpec } from "../platforms/port.ts";
import type { TreeFile } from "../wire/approval.ts";
import { bwrapPlatform } from "../platforms/bwrap/platform.ts";
import { openRepos } from "./index.ts";
import type { RepoPaths } from "./types.ts";
import type { AppliedRepo, Repos } from "./types.ts";

/** The manager's side, tested as the manager: in a real cage, with its uid, using only git. */

const FACTS = { author: "operator", at: 1_700_000_000_000, message: "template" };
const hiveId = "c0ffee00";

let root: string;
let state: string;
let paths: RepoPaths;
let repos: Repos;
let applied: AppliedRepo;
let umask: number;

beforeEach(async () => {
  // A daemon with a restrictive umask: the manager must still reach its folders.
  umask = process.umask(0o077);
  root = realpathSync(mkdtempSync(join(tmpdir(), "manager-")));
  state = join(root, "state");
  mkdirSync(state, { mode: 0o700 });
  paths = {
    proposed: join(state, "proposed"),
    applied: join(state, "applied"),
    meta: join(state, "meta"),
    scratch: join(state, "scratch"),
  };
  repos = await openRepos(paths, bwrapPlatform());
  await repos.meta.ensure();
  applied = repos.applied("coder");
  await applied.ensure();
});
afterEach(() => {
  process.umask(umask);
  rmSync(root, { recursive: true, force: true });
});

function file(path: string, text: string): TreeFile {
  return { path, mode: "100644", base64: Buffer.from(text).toString("base64") };
}

/** The manager's cage, as the daemon specifies it. */
function spec(script: string): CageSpec {
  const folder = (name: string): string => {
    mkdirSync(join(root, name), { recursive: true, mode: 0o755 });
    return join(root, name);
  };
  return {
    hiveId,
    agentId: `m${process.pid}`,
    name: "hm1nd",
    role: "manager",
    generation: 1,
    revision: "none",
    runtimeDir: folder("runtime"),
    socketsDir: folder("sockets"),
    claudeDir: folder("claude"),
    stateDir: folder("notes"),
    workspacesDir: folder("work"),
    configDir: folder("config"),
    cageDir: folder("cage"),
    extraBinds: [
      { host: paths.proposed, cage: "/agents", mode: "rw" },
      { host: paths.applied, cage: "/applied", mode: "ro" },
      { host: paths.meta, cage: "/meta", mode: "ro" },
    ],
    logFile: join(root, "cage.log"),
    env: { PATH: "/usr/bin:/bin", HOME: "/home/agent" },
    argv: ["/bin/sh", "-c", `exec > /state/out 2>&1\nset -ex\n${script}`],
    limits: { memoryBytes: 512 * 1024 * 1024, cpuPercent: 200, pids: 64 },
    identity: bwrapDriver().identityFor(hiveId, 1),
  };
}

/** Runs a script as the manager and returns its output; it must succeed. */
async function asManager(script: string): Promise<string> {
  const one = spec(script);
  const driver = bwrapDriver();
  await driver.prepare(one);
  const cage = await driver.start(one);
  const { code } = await cage.exited;
  const out = readFileSync(join(one.stateDir, "out"), "utf8");
  expect({ code, out }).toEqual({ code: 0, out });
  return out
    .split("\n")
    .filter((line) => !line.startsWith("+ "))
    .join("\n");
}

test("the manager commits, fetches tags and reads the ledger; an agent that is added later appears at once", async () => {
  const { identity } = spec("");
  const base = await applied.commit([file("agent.json", "{}\n")], [], FACTS);
  await applied.moveMain(base, undefined);
  await applied.tag({ name: "deployed/1", sha: base, message: "it runs", at: FACTS.at });
  const entry = { rev: base, tree: await applied.treeOf(base), hyperhive: "r1" };
  await repos.meta.publish(
    await repos.meta.candidate(undefined, "coder", entry, { ...FACTS, message: "deploy coder deployed/1 abc" }),
    undefined,
  );
  await repos.meta.refreshCheckout();
  const proposed = await repos.ensureProposed("coder", base, identity);

  const out = await asManager(`
    cd /agents/coder/config
    git status --short
    echo '{"model":"opus"}' > agent.json
    echo hello > new.md
    git add -A
    git commit -qm 'Use opus'
    git log --format='author %an %ae'
    echo "sha $(git rev-parse HEAD)"
    git fetch -q applied
    git show -s --format='tag %s' applied/refs/tags/deployed/1
    git show applied/refs/tags/deployed/1 > /state/shown
    grep 'it runs' /state/shown
    git tag
    git -C /meta log --format='meta %s'
    git -C /meta status --short
    grep hyperhive /meta/hive.lock
    git -C /applied/coder.git log --format='applied %s' main
    if touch /applied/x /meta/x /applied/coder.git/refs/heads/x 2>/dev/null; then echo WROTE; fi
    if mkdir /agents/other 2>/dev/null; then echo MADE; fi
    if mv /agents/coder/config /agents/coder/gone 2>/dev/null; then mv /agents/coder/gone /agents/coder/config; echo MOVED; fi
  `);
  expect(out).toContain("author hm1nd hm1nd@hive.invalid\nauthor operator operator@hive.invalid\n");
  // Nothing between the last two lines: the fetch has created no tag in the manager's repository.
  expect(out).toMatch(/tag template\n\n?it runs\nmeta deploy coder deployed\/1 abc\n/);
  expect(out).toContain(`"hyperhive": "r1"`);
  expect(out).toContain("applied template\n");
  expect(out).not.toMatch(/fatal|error|denied|dubious|WROTE/);
  if (identity.kind === "host-uid") expect(out).not.toMatch(/MADE|MOVED/);

  const sha = /^sha ([0-9a-f]{40})$/m.exec(out)?.[1] ?? "";
  expect(statSync(join(proposed.folder, "new.md")).uid).toBe(identity.uid);
  await applied.fetch(proposed, sha);
  expect((await applied.files(sha)).map(({ path }) => path)).toEqual(["agent.json", "new.md"]);

  // What was pinned stays, whatever the manager does to its own side.
  const later = await asManager("rm -rf /agents/coder/config/* /agents/coder/config/.git; ls -A /agents/coder/config; echo gone");
  expect(later).toBe("gone\n");
  expect(await applied.has(sha)).toBe(true);
  await expect(applied.fetch(proposed, base)).rejects.toThrow(/`\.git` of the proposal is not a folder/);
  await repos.ensureProposed("coder", sha, identity);
  expect(await asManager("git -C /agents/coder/config log -1 --format=%H")).toBe(`${sha}\n`);
});

test("a deploy appears in a running cage: new tags, a new ledger, a new agent", async () => {
  const { identity } = spec("");
  const base = await applied.commit([file("agent.json", "{}\n")], [], FACTS);
  await applied.moveMain(base, undefined);
  await repos.ensureProposed("coder", base, identity);
  const one = spec(`
    touch /state/ready
    until [ -e /state/go ]; do sleep 0.02; done
    cat /meta/hive.lock
    git -C /meta log --format='meta %s'
    git -C /agents/coder/config fetch -q applied
    git -C /agents/coder/config show -s --format='tag %s' applied/refs/tags/deployed/2
    git -C /agents/anna/config log --format='anna %s'
    git -C /agents/anna/config commit -q --allow-empty -m mine
  `);
  const driver = bwrapDriver();
  await driver.prepare(one);
  const cage = await driver.start(one);
  await expect.poll(() => existsSync(join(one.stateDir, "ready"))).toBe(true);

  const anna = repos.applied("anna");
  await anna.ensure();
  const hers = await anna.commit([file("agent.json", "{}\n")], [], { ...FACTS, message: "first" });
  await repos.ensureProposed("anna", hers, identity);
  const entry = { rev: hers, tree: await anna.treeOf(hers), hyperhive: "r1" };
  await repos.meta.publish(
    await repos.meta.candidate(undefined, "anna", entry, { ...FACTS, message: "deploy anna deployed/1 abc" }),
    undefined,
  );
  await repos.meta.refreshCheckout();
  await applied.tag({ name: "deployed/2", sha: base, message: "again", at: FACTS.at });
  writeFileSync(join(one.stateDir, "go"), "");
  const { code } = await cage.exited;
  const out = readFileSync(join(one.stateDir, "out"), "utf8");
  expect({ code, out }).toEqual({ code: 0, out });
  for (const words of [hers, "meta deploy anna deployed/1 abc", "tag template", "anna first"]) expect(out).toContain(words);
});
