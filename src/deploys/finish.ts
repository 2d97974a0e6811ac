import type { ApprovalRecord } from "../store/approvals.ts";
import type { Tx } from "../store/store.ts";
import { MANAGER } from "../wire/names.ts";
import type { AgentRecord } from "../store/agents.ts";
import type { Agent } from "../agents/agent.ts";
import { recordCommitted } from "../agents/records.ts";
import { readConfigTree } from "../agents/config-tree.ts";
import type { RequestStore } from "./request-store.ts";
import { marksOnceRuns } from "./marks.ts";
import { terminalTag } from "../wire/request-states.ts";
import type { DeployContext } from "./deploy-context.ts";

/**
 * The end of a deploy whose commit the ledger holds: applied main, then the tag, then the row with the agent's record,
 * in one commit. Every part may have been done before; the runner calls it until it is through.
 */
export async function finishDeploy(
  context: DeployContext,
  requestStore: RequestStore,
  row: ApprovalRecord,
  agent: Agent,
  failpoint: (name: string) => Promise<void>,
): Promise<ApprovalRecord> {
  await markDeployed(context, row, failpoint);
  await failpoint("before:settle");
  return settleDeploy(context, requestStore, row, agent);
}

/** What the applied repository says of it: main, then the tag. */
export async function markDeployed(
  context: DeployContext,
  row: ApprovalRecord,
  failpoint: (name: string) => Promise<void> = async () => {},
): Promise<void> {
  const repo = context.repos.applied(row.name);
  await failpoint("before:main");
  const main = (await repo.refs()).get("refs/heads/main");
  if (main !== row.sha) {
    const { ok } = await repo.moveMain(row.sha, main);
    if (!ok) throw new Error(`applied main of ${row.name} moved under a deploy`);
  }
  await failpoint("before:tag");
  await tagEnd(context, { ...row, state: "deployed" });
}

/** What the database says of it: the row and the agent's record, in one commit, with everybody who hears of it. */
export async function settleDeploy(
  context: DeployContext,
  requestStore: RequestStore,
  row: ApprovalRecord,
  agent: Agent,
): Promise<ApprovalRecord> {
  const patch = agentPatch(context, row, agent);
  const wasBorn = !agent.isDraft;
  const marks = await marksOnceRuns(context, row.name, row.sha);
  return context.store.write((tx) => {
    const { state } = requestStore.get(row.id);
    const done =
      state === "deployed"
        ? requestStore.get(row.id)
        : requestStore.move(tx, row.id, "publish", row.resolved_by ?? row.requested_by, { resolved_at: context.now() });
    context.store.agents.update(agent.id, patch);
    tellLifecycle(context, tx, done, wasBorn);
    tx.afterCommit(() => {
      recordCommitted(agent, patch);
      if (agent.generation !== row.id) agent.become(row.id, readConfigTree(context.paths.agent(agent.id).generation(row.id)));
      // The new generation was told the operator's model when it said hello.
      if ("modelOverride" in patch) agent.harness?.push({ push: "model", model: agent.model });
      if (!wasBorn) {
        context.swarm.publish(agent);
        context.harnesses.serve(agent);
      }
      // What was at fault may be what this deploy changes.
      context.harnesses.unparkFrom(agent, "config", "machine");
    });
    // What waits for an approval is compared with what runs from now on.
    requestStore.refreshPending(tx, row.name, marks);
    return done;
  });
}

/** What the agent's record says once the deploy is through. A model that the operator set holds until the config's changes. */
function agentPatch(context: DeployContext, row: ApprovalRecord, agent: Agent): Partial<AgentRecord> {
  const before = readConfigTree(context.paths.agent(agent.id).generation(agent.record.generation));
  const after = readConfigTree(context.paths.agent(agent.id).generation(row.id));
  const patch: Partial<AgentRecord> = {
    generation: row.id,
    deployedSha: row.sha,
    deployedRequest: row.id,
    hyperhive: row.hyperhive ?? context.revision,
  };
  // Whether the model changes is not known where what ran cannot be read: the operator's choice stays.
  const isOther = before.unreadable === undefined && before.config.model !== after.config.model;
  if (isOther && agent.record.modelOverride !== undefined) patch.modelOverride = undefined;
  if (agent.destroyed) Object.assign(patch, { destroyedAt: undefined, desired: "running" });
  return patch;
}

/** The manager hears of an agent that came into being or was rebuilt, in the commit that says so. */
function tellLifecycle(context: DeployContext, tx: Tx, row: ApprovalRecord, wasBorn: boolean): void {
  const { store, broker, swarm, now } = context;
  const isSpawn = row.kind === "spawn";
  const kind = isSpawn ? "spawned" : "rebuilt";
  const facts = { sha: row.sha, request: row.id, ...(row.origin === "revive" ? { revived: true } : {}) };
  store.ledger.audit(store.nextSeq(), {
    at: now(),
    actor: row.resolved_by ?? row.requested_by,
    kind,
    agent: row.name,
    request: row.id,
    reason: row.origin,
    detail: { sha: row.sha, hyperhive: row.hyperhive, ...(wasBorn ? {} : { first: true }) },
  });
  const manager = swarm.manager();
  if (!manager || row.name === MANAGER) return;
  broker.tellFromSystem(tx, { id: manager.id, name: MANAGER }, { event: kind, agent: row.name, ...facts });
}

/** The tag that says how a request ended. A cancelled one leaves none. */
export async function tagEnd(context: DeployContext, row: ApprovalRecord): Promise<void> {
  const name = terminalTag(row.state);
  if (name === undefined) return;
  // Its time is one that the row has from the beginning: the same bytes every time.
  const at = row.approved_at ?? row.requested_at;
  await context.repos.applied(row.name).tag({ name: `${name}/${row.id}`, sha: row.sha, message: endMessage(row), at });
}

/** What an annotated tag says: how it ended, and why. */
function endMessage(row: ApprovalRecord): string {
  const about = `requested by ${row.requested_by}${row.description === null ? "" : `: ${row.description}`}`;
  if (row.state === "denied")
    return `${row.note ?? "denied without a note"}\n\ndenied by ${row.resolved_by ?? "operator"}, ${about}`;
  if (row.state === "failed") return `${row.error ?? "failed"}\n\n${about}`;
  return `deployed ${row.name} ${row.sha.slice(0, 12)}\n\napproved by ${row.resolved_by ?? row.requested_by}, ${about}`;
}
