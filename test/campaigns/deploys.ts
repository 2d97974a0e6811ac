import Database from "better-sqlite3";
import { openSync, readFileSync, readdirSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { check as checkInvariants } from "../../src/deploys/check.ts";
import { Paths } from "../../src/lib/paths.ts";
import { tryGit } from "../../src/os/git/git.ts";
import { HiveError } from "../../src/wire/error.ts";
import { openTestSystem, type TestSystem } from "../lib/system.ts";
import { DISK_FAILED } from "./world.ts";

/**
 * The workload `deploys` of the power cuts: real requests and deploys, over the real database, repositories and ledger.
 * `write <database> <log> <round>` proposes, approves, denies, rolls back and spawns for several agents concurrently,
 * and logs each confirmed step to a file that the cuts do not affect. `check <database> <log>` starts as the daemon
 * does, with recovery, and counts confirmed steps that are not true; then it runs the invariant checker and git's own
 * check.
 */
const AGENTS = ["ada", "bob", "cleo"];
/** One in this many changes of an agent is denied, and one in this many is followed by a rollback. */
const DENIED_EVERY = 4;
const ROLLED_BACK_EVERY = 3;

/** The confirmed steps, as the log names them. */
type Said = "asked" | "approved" | "denied" | "deployed";

const say = (value: object): void => void writeSync(1, `${JSON.stringify(value)}\n`);

function open(database: string): Promise<TestSystem> {
  return openTestSystem({
    folder: dirname(database),
    onFatal(error) {
      writeSync(2, `the disk failed: ${error.message}\n`);
      process.exit(DISK_FAILED);
    },
  });
}

async function write(database: string, log: string, round: string): Promise<void> {
  const system = await open(database);
  const fd = openSync(log, "a");
  let acknowledged = 0;
  const note = (said: Said, id: number, name: string, sha: string): void => {
    // After the answer, and before anything else happens.
    writeSync(fd, `${said} ${id} ${name} ${sha}\n`);
    say({ acknowledged: ++acknowledged });
  };
  /** Follows a request to its end. Nothing was promised for a failed one. */
  async function follow(id: number): Promise<boolean> {
    const row = await system.deploys.finished(id);
    if (row.state === "deployed") note("deployed", id, row.name, row.sha);
    return row.state === "deployed";
  }
  async function spawn(name: string): Promise<void> {
    // An earlier cut may have come between the request and its answer: then it still waits, and is not requested again.
    const [waiting] = system.store.approvals.openOf(name);
    const asked = waiting ?? (await system.requests.spawn({ name, by: "hm1nd", origin: "request" }));
    if (!waiting) note("asked", asked.id, name, asked.sha);
    await system.decisions.approve(asked.id, {}, { by: "operator", digestNeeded: true }).catch(ignoreBadRequest);
    await system.decisions.approve(asked.id, {}, { by: "operator", digestNeeded: false });
    note("approved", asked.id, name, asked.sha);
    await follow(asked.id);
  }

  await system.firstStart();
  for (const name of AGENTS) if (!system.swarm.find(name)) await spawn(name);
  say({ acknowledged });
  const changes = AGENTS.map(async (agent, nth) => {
    let before: number | undefined;
    for (let n = nth; ; n++) {
      const base64 = Buffer.from(JSON.stringify({ model: `${round}-${n}` })).toString("base64");
      const files = [{ path: "agent.json", mode: "100644" as const, base64 }];
      const { id, sha } = await system.requests.proposeFiles({ agent, files, by: "operator", description: `change ${n}` });
      note("asked", id, agent, sha);
      if (n % DENIED_EVERY === DENIED_EVERY - 1) {
        await system.decisions.deny(id, "not today", "operator");
        note("denied", id, agent, sha);
        continue;
      }
      await system.decisions.approve(id, {}, { by: "operator", digestNeeded: false });
      note("approved", id, agent, sha);
      if (!(await follow(id))) continue;
      if (before !== undefined && n % ROLLED_BACK_EVERY === 0)
        await follow((await system.requests.rollback(agent, before, "operator")).id);
      before = id;
    }
  });
  await Promise.all([...changes, spawn(`new-${round}`)]);
}

/** A browser has to report what it showed, so the call is refused and nothing happens. */
function ignoreBadRequest(error: unknown): void {
  if (!(error instanceof HiveError) || error.code !== "bad_request") throw error;
}

async function check(database: string, log: string): Promise<void> {
  const system = await open(database);
  const problems: string[] = [];
  const counts = { acknowledged: 0, deployed: 0, lost: 0, integrity: "", forward: 0, back: 0 };
  const commits = new Map((await system.repos.meta.log(Number.MAX_SAFE_INTEGER)).map(({ subject, sha }) => [subject, sha]));
  for (const line of readFileSync(log, "utf8").split("\n").slice(0, -1)) {
    const [said = "", number = "", name = "", sha = ""] = line.split(" ");
    counts.acknowledged++;
    if (said === "deployed") counts.deployed++;
    if (await isSo(system, commits, said as Said, Number(number), name, sha)) continue;
    counts.lost++;
    problems.push(`lost: ${line}`);
  }
  counts.forward = system.recovered.forward.length;
  counts.back = system.recovered.back.length;
  problems.push(...(await checkInvariants(system.context)).flatMap((finding) => finding.problems));
  problems.push(...system.unexpected.map(String));
  problems.push(...(await broken(dirname(database))));
  await system.close();
  const db = new Database(join(dirname(database), "s", "hive.db"), { readonly: true });
  problems.push(...(db.pragma("integrity_check", { simple: true }) === "ok" ? [] : ["the database is not whole"]));
  db.close();
  counts.integrity = problems.length === 0 ? "ok" : problems.join("; ");
  say(counts);
}

/** Whether a confirmed step is true after the cut: by its row and its tag, and for a deploy by the ledger and the agent. */
async function isSo(
  system: TestSystem,
  commits: Map<string, string>,
  said: Said,
  id: number,
  name: string,
  sha: string,
): Promise<boolean> {
  const row = system.store.approvals.byId(id);
  if (row?.name !== name || row.sha !== sha) return false;
  if (said === "asked") return true;
  const tags = await system.repos.applied(name).refs();
  if (said === "approved") return row.approved_at !== null && tags.get(`refs/tags/approved/${id}`) === sha;
  if (said === "denied") return row.state === "denied" && tags.get(`refs/tags/denied/${id}`) === sha;
  const commit = commits.get(`deploy ${name} deployed/${id} ${sha.slice(0, 12)}`);
  const runs = system.swarm.find(name)?.record.deployedRequest ?? 0;
  return (
    row.state === "deployed" &&
    tags.get(`refs/tags/deployed/${id}`) === sha &&
    commit !== undefined &&
    (await system.repos.meta.ledger(commit))[name]?.rev === sha &&
    runs >= id
  );
}

/** Git's findings for each repository: truncated objects, refs without a target. */
async function broken(folder: string): Promise<string[]> {
  const paths = new Paths(join(folder, "s"), join(folder, "s", "run"));
  const repos = [join(paths.meta, ".git"), ...readdirSync(paths.applied).map((name) => join(paths.applied, name))];
  const looked = await Promise.all(repos.map((repo) => tryGit(repo, ["fsck", "--no-dangling", "--no-progress"])));
  return looked.flatMap(({ code, stderr }, nth) => (code === 0 ? [] : [`${repos[nth]}: ${stderr.trim()}`]));
}

const [mode, database = "", log = "", round = ""] = process.argv.slice(2);
if (mode === "write") await write(database, log, round);
else await check(database, log);
