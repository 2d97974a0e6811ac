import Database from "better-sqlite3";
import { mkdirSync, openSync, readFileSync, readdirSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Agent } from "../../src/agents/agent.ts";
import { check as checkInvariants } from "../../src/deploys/check.ts";
import { openBridge } from "../../src/harness/bridge.ts";
import { Paths } from "../../src/lib/paths.ts";
import { tryGit } from "../../src/os/git/git.ts";
import { readRef } from "../../src/os/git/refs.ts";
import { pinOf } from "../../src/store/changes.ts";
import { OPERATOR } from "../../src/wire/names.ts";
import { operations } from "../../src/wire/operations.ts";
import { checkWork } from "../../src/work/check.ts";
import { openTestSystem, type TestSystem } from "../lib/system.ts";
import { runIn } from "../lib/work-git.ts";
import type { FollowedHost } from "./followed-host.ts";
import { DISK_FAILED } from "./world.ts";

/*
 * Pushes and merges under power cuts: agents push with real git over their sockets and propose; the operator approves;
 * the queue merges, and pushes to a host if the repository follows one, where others push as well.
 */

/** One in this many changes is proposed after another user has pushed to the host. */
const OTHERS_EVERY = 3;
const AGENTS = ["ada", "bob", "cleo"];
/** One in this many branches is pushed again by force before it is proposed, and one in this many is only pushed. */
const FORCED_EVERY = 3;
const ONLY_PUSHED_EVERY = 4;
/** Lines of the file of a commit. */
const LINES = 200;

/** What the log names. `try` stands before a push: its answer may be lost. */
type Said = "try" | "pushed" | "proposed" | "approved" | "merged" | "others";

interface Run {
  mode: string | undefined;
  /** Its folder has the hive, on the disk that is cut. */
  database: string;
  /** A file that the cuts do not affect. */
  log: string;
  round: string;
  host?: FollowedHost;
}

/**
 * `write` logs each answer to a file that the cuts do not affect. `check` starts as the daemon does, with recovery, and
 * counts answers that are not true; then it runs the invariant checker and git's own check.
 */
export async function changeLife(run: Run): Promise<void> {
  await (run.mode === "write" ? write(run) : check(run));
}

const say = (value: object): void => void writeSync(1, `${JSON.stringify(value)}\n`);

async function open(database: string): Promise<TestSystem> {
  const system = await openTestSystem({
    folder: dirname(database),
    // Loopback is a private address.
    net: { resolve: async () => ["127.0.0.1"], isPublic: () => false },
    onUnexpected(error) {
      // A part of the hive has failed otherwise than by the cut.
      writeSync(2, `unexpected: ${error instanceof Error ? error.stack : String(error)}\n`);
    },
    onFatal(error) {
      writeSync(2, `the disk failed: ${error.message}\n`);
      process.exit(DISK_FAILED);
    },
  });
  await system.work.start();
  return system;
}

async function agentNamed(system: TestSystem, name: string): Promise<Agent> {
  const found = system.swarm.find(name);
  if (found) return found;
  // An earlier cut may have come between the request and its end.
  const [waiting] = system.store.approvals.openOf(name);
  const config = { repos: [{ name: "web" }] } as never;
  const { id } = waiting ?? (await system.requests.spawn({ name, config, by: OPERATOR, origin: "spawn" }));
  await system.deploys.finished(id);
  return system.swarm.byName(name);
}

async function firstCommit({ work }: TestSystem, host: FollowedHost | undefined): Promise<void> {
  if (host) {
    if (work.repositories.find("web") === undefined) await work.upstreams.addRemote("web", host.remote, { push: "after-merge" });
    return;
  }
  if (work.repositories.find("web") === undefined) await work.repositories.create("web", {});
  if (work.repositories.tip("web", "main") !== undefined) return;
  const who = {
    GIT_AUTHOR_NAME: "a",
    GIT_AUTHOR_EMAIL: "a@hive.invalid",
    GIT_COMMITTER_NAME: "a",
    GIT_COMMITTER_EMAIL: "a@hive.invalid",
  };
  const sha = await work.context.git.withScratch("web", {}, async (scratch) => {
    const tree = (await scratch.git(["mktree"], { input: "" })).toString().trim();
    const commit = (await scratch.git(["commit-tree", tree, "-m", "start"], { env: who })).toString().trim();
    await scratch.keepObjects();
    return commit;
  });
  await work.repositories.moveBase("web", "main", sha, undefined, { actor: "system", by: "upstream" });
}

async function write({ database, log, round, host }: Run): Promise<void> {
  const system = await open(database);
  const { work } = system;
  const fd = openSync(log, "a");
  let acknowledged = 0;
  const note = (said: Said, ...words: (string | number)[]): void => {
    // After the answer, and before anything else happens.
    writeSync(fd, `${said} ${words.join(" ")}\n`);
    if (said !== "try") say({ acknowledged: ++acknowledged });
  };
  await system.firstStart();
  await firstCommit(system, host);
  const clones = join(dirname(log), `clones-${round}`);
  mkdirSync(clones);

  async function live(name: string): Promise<void> {
    const agent = await agentNamed(system, name);
    const socket = join(clones, `${name}.sock`);
    await work.transport.agentGit.listen(agent, socket);
    const { port } = await openBridge(socket);
    const folder = join(clones, name);
    const run = async (...argv: string[]): Promise<string> => {
      const { code, out, err } = await runIn(clones, "git", argv);
      if (code !== 0) throw new Error(`git ${argv.join(" ")}: ${err}`);
      return out.trim();
    };
    const git = (...argv: string[]): Promise<string> => run("-C", folder, ...argv);
    await run("clone", "-q", `http://127.0.0.1:${port}/web`, folder);
    async function commit(text: string): Promise<string> {
      writeFileSync(join(folder, name), `${text}\n`.repeat(LINES));
      await git("add", "-A");
      await git("commit", "-q", "-m", text);
      return git("rev-parse", "HEAD");
    }
    async function push(branch: string, sha: string): Promise<void> {
      note("try", agent.id, branch, sha);
      await git("push", "-q", "--force", "origin", `${sha}:refs/heads/${branch}`);
      note("pushed", agent.id, branch, sha);
    }
    for (let n = 1; ; n++) {
      const branch = `${round}-${n}`;
      await git("fetch", "-q", "origin");
      await git("switch", "-q", "--detach", "origin/main");
      await push(branch, await commit(branch));
      if (n % FORCED_EVERY === 0) {
        await git("reset", "-q", "--hard", "origin/main");
        await push(branch, await commit(`${branch} again`));
      }
      if (n % ONLY_PUSHED_EVERY === 0) continue;
      const others = n % OTHERS_EVERY === 0 ? host?.commitOfOthers() : undefined;
      if (others !== undefined) note("others", others);
      const proposal = operations.propose_change.input.parse({ repo: "web", branch, title: branch });
      const { id, sha, digest } = await work.changes.propose(agent, proposal);
      note("proposed", id, sha);
      await work.decisions.approve(id, { sha, digest }, { by: "operator", digestNeeded: true });
      note("approved", id, sha);
      const merged = Promise.withResolvers<string>();
      const look = (): void => {
        const { state, merged_sha: commitOf } = work.changeStore.get(id);
        if (state === "merged" && commitOf !== null) merged.resolve(commitOf);
        else setTimeout(look, 5);
      };
      look();
      note("merged", id, await merged.promise);
    }
  }
  await Promise.all(AGENTS.map(live));
}

async function check({ database, log, host }: Run): Promise<void> {
  const system = await open(database);
  await system.work.queue.idle();
  const problems: string[] = [];
  if (host && system.work.repositories.find("web") !== undefined) problems.push(...(await differences(system, host)));
  const counts = { acknowledged: 0, pushes: 0, merges: 0, lost: 0, integrity: "" };
  const lines = readFileSync(log, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split(" "));
  for (const [at, [said = "", ...words]] of lines.entries()) {
    if (said === "try") continue;
    counts.acknowledged++;
    if (said === "pushed") counts.pushes++;
    if (said === "merged") counts.merges++;
    const later = lines
      .slice(at + 1)
      .flatMap(([what, agent, branch, sha]) => (what === "try" && agent === words[0] && branch === words[1] ? [sha ?? ""] : []));
    if (await isSo(system, said as Said, words, { later, host })) continue;
    counts.lost++;
    problems.push(`lost: ${said} ${words.join(" ")}`);
  }
  const findings = [
    ...(await checkInvariants(system.context)),
    ...(await checkWork(system.work.context, system.work.repositories, { compared: Infinity })),
  ];
  problems.push(...findings.flatMap((finding) => finding.problems));
  problems.push(...system.unexpected.map(String));
  const { repos } = new Paths(join(dirname(database), "s"), join(dirname(database), "s", "run"));
  for (const name of readdirSync(repos).filter((one) => one.endsWith(".git"))) {
    const looked = await tryGit(join(repos, name), ["fsck", "--no-dangling", "--no-progress"]);
    if (looked.code !== 0) problems.push(`${name}: ${looked.stderr.trim()}`);
  }
  await system.work.stop();
  await system.close();
  const db = new Database(join(dirname(database), "s", "hive.db"), { readonly: true });
  problems.push(...(db.pragma("integrity_check", { simple: true }) === "ok" ? [] : ["the database is not whole"]));
  db.close();
  counts.integrity = problems.length === 0 ? "ok" : problems.join("; ");
  say(counts);
}

/** What the host and the hive do not agree about, once what was under way has ended. */
async function differences({ store, work }: TestSystem, host: FollowedHost): Promise<string[]> {
  const problems: string[] = [];
  // A push that was under way is decided by what the host has.
  await work.upstreams.fetch("web");
  work.queue.kickAll("web");
  await work.queue.idle();
  await work.upstreams.fetch("web");
  const tip = work.repositories.tip("web", "main");
  if (tip !== host.tip) problems.push(`the base is at ${tip}, and that of the host at ${host.tip}`);
  for (const [id, merges] of host.merges()) {
    const row = store.changes.byId(id);
    if (merges.length !== 1) problems.push(`the host has the change ${id} ${merges.length} times`);
    if (row?.state !== "merged" || row.merged_sha !== merges[0])
      problems.push(`the host has the change ${id} as ${merges[0]}, and the row is ${row?.state} as ${row?.merged_sha}`);
  }
  return [...problems, host.problems()].filter((one) => one !== "");
}

interface Besides {
  /** Commits of later pushes of the branch. */
  later: string[];
  host: FollowedHost | undefined;
}

/** Whether an answer is true after the cut, by the row, the ref and the objects. */
async function isSo({ store, work }: TestSystem, said: Said, words: string[], { later, host }: Besides): Promise<boolean> {
  const folder = work.repositories.folder("web");
  const has = async (...argv: string[]): Promise<boolean> => (await tryGit(folder, argv)).code === 0;
  if (said === "pushed") {
    const [agent = "", branch = "", sha = ""] = words;
    const row = store.repositories.branch("web", agent, branch)?.sha;
    const ref = await readRef(folder, `refs/agents/${agent}/${branch}`);
    return row !== undefined && row === ref && [sha, ...later].includes(row) && has("rev-list", "--objects", "--quiet", row);
  }
  // What others have pushed is never pushed over.
  if (said === "others") return host?.contains(words[0] ?? "") === true;
  const [id = "", sha = ""] = words;
  const row = store.changes.byId(Number(id));
  if (row === undefined) return false;
  if (said === "proposed") return row.sha === sha && (await readRef(folder, pinOf(row))) === sha;
  if (said === "approved") return row.sha === sha && row.decided_by === OPERATOR && row.state === "merged";
  if (host && !host.contains(sha)) return false;
  return row.state === "merged" && row.merged_sha === sha && has("merge-base", "--is-ancestor", sha, "refs/heads/main");
}
