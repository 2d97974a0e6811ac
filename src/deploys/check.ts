import { readGeneration } from "../agents/config-tree.ts";
import type { Agent } from "../agents/agent.ts";
import type { ApprovalRecord } from "../store/approvals.ts";
import type { CheckFinding, TreeFile } from "../wire/approval.ts";
import { operations, type OperationName } from "../wire/operations.ts";
import { checkDrift } from "./drift.ts";
import { LEAST_ROLE, type OperatorOperation } from "../wire/roles.ts";
import { isDeploying, isInFlight, isTerminal, TERMINAL_TAGS, terminalTag } from "../wire/request-states.ts";
import type { DeployContext } from "./deploy-context.ts";
import { pluginFiles } from "./project.ts";

/** What an agent or the manager may do as well as an operator. None of it decides about a request, a change or a repository. */
const SHARED: readonly OperationName[] = [
  "send",
  "start",
  "restart",
  "kill",
  "update",
  "request_spawn",
  "cancel_request",
  "withdraw_change",
];
/** Operations that are for operators alone: everything else that takes more than the role of a viewer. */
const DECIDING = (Object.keys(LEAST_ROLE) as OperatorOperation[]).filter(
  (name) => LEAST_ROLE[name] !== "viewer" && !SHARED.includes(name),
);

/** The data to compare, read once. */
interface CheckInputs {
  rows: ApprovalRecord[];
  agents: Agent[];
  refs: Map<string, Map<string, string>>;
  /** Commits of the ledger's main, by the deploy tag that their subject names. */
  deploys: Map<string, { sha: string; subject: string }>;
}

/** The maximum number of ledger commits that are read: more deploys than a hive has in years. */
const LEDGER_COMMITS = 100_000;

/**
 * Checks the seven invariants of the deploys on a running hive. Tests run it after every broken step, and the operator
 * can run it at any time. Requests in flight are checked as far as possible.
 */
export async function check(context: DeployContext): Promise<CheckFinding[]> {
  const facts = await read(context);
  return [
    await deployedIsLocked(context, facts),
    await approvedIsBuilt(context, facts),
    await failedLeavesNothing(context, facts),
    endsOnce(facts),
    oneAtATime(facts),
    noDecisionInCage(),
    await atRest(context, facts),
  ];
}

async function read(context: DeployContext): Promise<CheckInputs> {
  const rows = context.store.approvals.all();
  // A purged agent has only its rows left.
  const agents = context.swarm.allWithDestroyed().filter((agent) => !agent.isDraft);
  const names = new Set([
    ...agents.map((agent) => agent.name),
    ...rows.filter((row) => !isTerminal(row.state)).map((row) => row.name),
  ]);
  const refs = new Map<string, Map<string, string>>();
  for (const name of names) {
    const repo = context.repos.applied(name);
    // An unreadable repository counts as having no refs, so the check reports them as missing.
    refs.set(name, await repo.refs().catch(() => new Map()));
  }
  const deploys = new Map<string, { sha: string; subject: string }>();
  for (const commit of await context.repos.meta.log(LEDGER_COMMITS)) {
    const tag = /^deploy \S+ (deployed\/\d+) /.exec(commit.subject)?.[1];
    if (tag !== undefined) deploys.set(tag, commit);
  }
  return { rows, agents, refs, deploys };
}

/** The rows of agents whose repositories exist. */
function ownRows({ rows, agents }: CheckInputs): ApprovalRecord[] {
  const ids = new Set(agents.map((agent) => agent.id));
  return rows.filter((row) => row.agent !== null && ids.has(row.agent));
}

async function deployedIsLocked(context: DeployContext, facts: CheckInputs): Promise<CheckFinding> {
  const problems: string[] = [];
  let checked = 0;
  const byId = new Map(facts.rows.map((row) => [row.id, row]));
  for (const [name, refs] of facts.refs) {
    for (const [ref, sha] of refs) {
      const id = Number(/^refs\/tags\/deployed\/(\d+)$/.exec(ref)?.[1]);
      if (!Number.isInteger(id)) continue;
      checked++;
      const row = byId.get(id);
      if (row && isInFlight(row.state)) continue;
      if (row?.state !== "deployed")
        problems.push(`${name}: the tag deployed/${id} exists, but the request is ${row?.state ?? "not known"}`);
      else if (row.sha !== sha) problems.push(`${name}: deployed/${id} names ${sha}, but ${row.sha} was deployed`);
    }
  }
  for (const row of ownRows(facts).filter((one) => one.state === "deployed")) {
    checked++;
    if (facts.refs.get(row.name)?.get(`refs/tags/deployed/${row.id}`) !== row.sha)
      problems.push(`${row.name}: request ${row.id} is deployed, but its tag is missing`);
    const commit = facts.deploys.get(`deployed/${row.id}`);
    if (!commit) problems.push(`${row.name}: request ${row.id} is deployed, but the ledger has no commit of it`);
    else {
      const entry = (await context.repos.meta.ledger(commit.sha))[row.name];
      if (entry?.rev !== row.sha)
        problems.push(`${row.name}: the ledger's commit of request ${row.id} locks ${entry?.rev ?? "nothing"}, not ${row.sha}`);
    }
  }
  return finding(1, "a request is tagged deployed if and only if the ledger locks it and its row is deployed", problems, checked);
}

async function approvedIsBuilt(context: DeployContext, facts: CheckInputs): Promise<CheckFinding> {
  const problems: string[] = [];
  const rows = ownRows(facts).filter((row) => row.state === "deployed");
  for (const row of rows) {
    if (row.digest === null) problems.push(`request ${row.id} is deployed without an approval`);
    const tree = await context.repos
      .applied(row.name)
      .treeOf(row.sha)
      // An unreadable commit has no tree, so it differs from the approved one.
      .catch(() => "nothing");
    if (tree !== row.tree) problems.push(`request ${row.id}: ${row.tree} was approved, but ${row.sha} has ${tree}`);
  }
  for (const agent of facts.agents) {
    const { deployedSha, generation } = agent.record;
    if (deployedSha === undefined || agent.deploying !== undefined) continue;
    const [wanted, there] = await Promise.allSettled([
      context.repos.applied(agent.name).filesOnDisk(deployedSha),
      readGeneration(context.paths.agent(agent.id).generation(generation)),
    ]);
    const sha = deployedSha.slice(0, 12);
    if (wanted.status === "rejected") problems.push(`${agent.name}: ${sha} cannot be read: ${String(wanted.reason)}`);
    else if (there.status === "rejected")
      problems.push(`${agent.name}: generation ${generation} cannot be read: ${String(there.reason)}`);
    else if (listing(wanted.value) !== listing(there.value))
      problems.push(`${agent.name}: generation ${generation} differs from ${sha}`);
    else if (!(await followsWhatWasApproved(context, agent)))
      problems.push(`${agent.name}: the instructions of its repositories differ from the approved ones`);
  }
  return finding(2, "the approved config is the built one", problems, rows.length + facts.agents.length);
}

/** Whether the cage of an agent gets the instructions of repositories that its config was approved with. */
async function followsWhatWasApproved({ store, repos, paths }: DeployContext, { id, name, record }: Agent): Promise<boolean> {
  const pin = record.deployedSha === undefined ? undefined : store.approvals.project(name, record.deployedSha);
  if (!pin) return true;
  const [wanted, there] = await Promise.allSettled([
    pluginFiles(repos, name, pin),
    readGeneration(paths.agent(id).project(record.generation)),
  ]);
  return wanted.status === "fulfilled" && there.status === "fulfilled" && listing(wanted.value) === listing(there.value);
}

async function failedLeavesNothing(context: DeployContext, facts: CheckInputs): Promise<CheckFinding> {
  const problems: string[] = [];
  const failed = facts.rows.filter((row) => isTerminal(row.state) && row.state !== "deployed");
  for (const row of failed) {
    if (facts.deploys.has(`deployed/${row.id}`))
      problems.push(`request ${row.id} is ${row.state}, but the ledger has a commit of it`);
    if (row.candidate !== null && (await context.repos.meta.contains(row.candidate)))
      problems.push(`request ${row.id} is ${row.state}, but the ledger contains its commit`);
  }
  for (const agent of facts.agents) {
    if (agent.record.deployedSha === undefined || agent.deploying !== undefined) continue;
    const main = facts.refs.get(agent.name)?.get("refs/heads/main");
    if (main !== agent.record.deployedSha)
      problems.push(`${agent.name}: applied main is ${main ?? "nothing"}, but ${agent.record.deployedSha} runs`);
  }
  return finding(
    3,
    "a failed request has changed neither the ledger nor the applied repositories nor the cages",
    problems,
    failed.length + facts.agents.length,
  );
}

function endsOnce(facts: CheckInputs): CheckFinding {
  const problems: string[] = [];
  for (const row of facts.rows) {
    const refs = facts.refs.get(row.name);
    if (!refs) continue;
    const there = TERMINAL_TAGS.filter((tag) => refs.has(`refs/tags/${tag}/${row.id}`));
    if (isInFlight(row.state) && there.every((tag) => tag === "deployed")) continue;
    const wanted = terminalTag(row.state);
    const isOwn = ownRows(facts).includes(row) || row.agent === null;
    if (there.length > 1) problems.push(`request ${row.id} has the tags ${there.join(" and ")}`);
    else if (there[0] !== wanted && (isOwn || there[0] !== undefined))
      problems.push(`request ${row.id} is ${row.state}, but its tag is ${there[0] ?? "missing"}`);
    if ((row.resolved_at !== null) !== isTerminal(row.state))
      problems.push(`request ${row.id} is ${row.state} and ${row.resolved_at === null ? "not " : ""}resolved`);
  }
  return finding(4, "a request ends once, with at most one tag", problems, facts.rows.length);
}

function oneAtATime(facts: CheckInputs): CheckFinding {
  const problems: string[] = [];
  const busy = new Map<string, number>();
  for (const row of facts.rows) {
    if (!isDeploying(row.state)) continue;
    const other = busy.get(row.name);
    if (other !== undefined) problems.push(`${row.name}: requests ${other} and ${row.id} are deployed at the same time`);
    busy.set(row.name, row.id);
  }
  return finding(5, "an agent has at most one deploy at a time", problems, facts.rows.length);
}

function noDecisionInCage(): CheckFinding {
  const problems = DECIDING.filter((name) => operations[name].callers.some((caller) => caller !== "operator")).map(
    (name) => `${name} can be called from a cage`,
  );
  return finding(6, "no process in a cage can approve, deny or answer", problems, DECIDING.length);
}

async function atRest(context: DeployContext, facts: CheckInputs): Promise<CheckFinding> {
  const differ = await checkDrift(context);
  const problems = differ.map((agent) => `${agent.name}: ${agent.drift ?? "it differs"}`);
  return finding(7, "the running, the locked and the recorded config are the same", problems, facts.agents.length);
}

function finding(invariant: number, what: string, problems: string[], checked: number): CheckFinding {
  return { invariant, what, ok: problems.length === 0, problems, checked };
}

function listing(files: readonly TreeFile[]): string {
  return files
    .map((file) => `${file.path}\0${file.mode}\0${file.base64}`)
    .sort()
    .join("\n");
}
