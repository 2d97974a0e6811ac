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
 * Finishes a deploy whose commit the ledger contains: moves applied main, sets the tag, then stores the row and the
 * agent's record in one transaction. Each part may already be done, and the runner repeats the call until it succeeds.
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
  return storeDeployed(context, requestStore, row, agent);
}

/** Updates the applied repository: main, then the tag. */
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

/** Updates the database: the row, the agent's record and the notices, in one transaction. */
export async function storeDeployed(
  context: DeployContext,
  requestStore: RequestStore,
  row: ApprovalRecord,
  agent: Agent,
): Promise<ApprovalRecord> {
  const patch = agentPatch(context, row, agent);
  const wasPublished = !agent.isDraft;
  const marks = await marksOnceRuns(context, row.name, row.sha);
  return context.store.write((tx) => {
    const { state } = requestStore.get(row.id);
    const done =
      state === "deployed"
        ? requestStore.get(row.id)
        : requestStore.move(tx, row.id, "publish", row.resolved_by ?? row.requested_by, { resolved_at: context.now() });
    context.store.agents.update(agent.id, patch);
    notifyManager(context, tx, done, wasPublished);
    tx.afterCommit(() => {
      recordCommitted(agent, patch);
      if (agent.generation !== row.id) agent.switchTo(row.id, readConfigTree(context.paths.agent(agent.id).generation(row.id)));
      // The new generation got the operator's model in the answer to its hello.
      if ("modelOverride" in patch) agent.harness?.push({ push: "model", model: agent.model });
      if (!wasPublished) {
        context.swarm.publish(agent);
        context.harnesses.serve(agent);
      }
      // This deploy may fix the cause of a park.
      context.harnesses.unparkFrom(agent, "config", "machine");
    });
    // From now on pending requests are compared with the new config.
    requestStore.refreshPending(tx, row.name, marks);
    return done;
  });
}

/** The changes of the agent's record after the deploy. The operator's model stays until the config's model changes. */
function agentPatch(context: DeployContext, row: ApprovalRecord, agent: Agent): Partial<AgentRecord> {
  const before = readConfigTree(context.paths.agent(agent.id).generation(agent.record.generation));
  const after = readConfigTree(context.paths.agent(agent.id).generation(row.id));
  const patch: Partial<AgentRecord> = {
    generation: row.id,
    deployedSha: row.sha,
    deployedRequest: row.id,
    hyperhive: row.hyperhive ?? context.revision,
  };
  // If the old config cannot be read, a change of the model is unknown and the operator's choice stays.
  const isOther = before.unreadable === undefined && before.config.model !== after.config.model;
  if (isOther && agent.record.modelOverride !== undefined) patch.modelOverride = undefined;
  if (agent.destroyed) Object.assign(patch, { destroyedAt: undefined, desired: "running" });
  return patch;
}

/** Audits a spawn or a rebuild and notifies the manager, in the same transaction. */
function notifyManager(context: DeployContext, tx: Tx, row: ApprovalRecord, wasPublished: boolean): void {
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
    detail: { sha: row.sha, hyperhive: row.hyperhive, ...(wasPublished ? {} : { first: true }) },
  });
  const manager = swarm.manager();
  if (!manager || row.name === MANAGER) return;
  broker.notify(tx, { id: manager.id, name: MANAGER }, { event: kind, agent: row.name, ...facts });
}

/** Sets the tag for the end of a request. A cancelled request has none. */
export async function tagEnd(context: DeployContext, row: ApprovalRecord): Promise<void> {
  const name = terminalTag(row.state);
  if (name === undefined) return;
  // The time comes from the row, so that repeated calls write the same bytes.
  const at = row.approved_at ?? row.requested_at;
  await context.repos.applied(row.name).tag({ name: `${name}/${row.id}`, sha: row.sha, message: endMessage(row), at });
}

/** The message of an annotated tag: how the request ended, and why. */
function endMessage(row: ApprovalRecord): string {
  const about = `requested by ${row.requested_by}${row.description === null ? "" : `: ${row.description}`}`;
  if (row.state === "denied")
    return `${row.note ?? "denied without a note"}\n\ndenied by ${row.resolved_by ?? "operator"}, ${about}`;
  if (row.state === "failed") return `${row.error ?? "failed"}\n\n${about}`;
  return `deployed ${row.name} ${row.sha.slice(0, 12)}\n\napproved by ${row.resolved_by ?? row.requested_by}, ${about}`;
}
