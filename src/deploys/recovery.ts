import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { ApprovalRecord } from "../store/approvals.ts";
import { MANAGER, SYSTEM } from "../wire/names.ts";
import type { Agent } from "../agents/agent.ts";
import { readConfigTree, writeGeneration } from "../agents/config-tree.ts";
import type { RequestStore } from "./request-store.ts";
import { isInFlight } from "../wire/request-states.ts";
import { repairTags } from "./projection.ts";
import { markDeployed, storeDeployed, tagEnd } from "./finish.ts";
import type { DeployContext } from "./deploy-context.ts";
import { writeProject } from "./project.ts";

/** The requests that were in flight when the last daemon ended: finished (`forward`) or undone (`back`). */
export interface Recovered {
  forward: number[];
  back: number[];
}

/**
 * Runs at the start, before any agent. Finishes every request in flight whose commit the ledger contains, and undoes
 * the others. Then repairs main, tags, the running generation and the ledger's checkout. Idempotent: a crash in the
 * middle is recovered by another call.
 */
export async function recover(context: DeployContext, requestStore: RequestStore): Promise<Recovered> {
  const recovered: Recovered = { forward: [], back: [] };
  await context.repos.meta.ensure();
  for (const row of context.store.approvals.open().filter((one) => isInFlight(one.state))) {
    const agent = agentFor(context, row);
    const published = row.candidate !== null && (await context.repos.meta.contains(row.candidate));
    let damage: unknown;
    if (published && agent) {
      // The ledger decides. If the applied repository cannot be written now, a later start repairs it.
      await markDeployed(context, row).catch((error: unknown) => (damage = error));
      await storeDeployed(context, requestStore, row, agent);
      recovered.forward.push(row.id);
    } else {
      damage = await rollBack(context, requestStore, row, agent);
      recovered.back.push(row.id);
    }
    if (damage !== undefined) damaged(agent)(damage);
  }
  // A spawn that ended just before the daemon did may have left its draft.
  for (const agent of context.swarm.drafts()) await context.commands.discardDraft(agent);
  for (const agent of context.swarm.all()) await repair(context, agent).catch(damaged(agent));
  for (const name of new Set(context.store.approvals.open().map((row) => row.name)))
    await repairTags(context, name).catch(damaged(context.swarm.find(name)));
  await context.repos.meta.refreshCheckout();
  return recovered;

  /**
   * Reports a damaged repository as a warning of its agent, so that the others are still recovered. `check` reports it
   * too.
   */
  function damaged(agent: Agent | undefined): (error: unknown) => void {
    return (error) => {
      context.onUnexpected(error);
      const warning = `its applied repository is damaged: ${messageOf(error)}`;
      agent?.warn(warning);
    };
  }
}

function agentFor(context: DeployContext, row: ApprovalRecord): Agent | undefined {
  return row.agent === null ? context.swarm.draftOf(row.name) : context.swarm.byId(row.agent);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Removes what an unpublished deploy may have left: the trial cage, its generation, a draft. Resolves with the problem
 * of the applied repository, if there is one. It does not stop the request from ending.
 */
async function rollBack(
  context: DeployContext,
  requestStore: RequestStore,
  row: ApprovalRecord,
  agent: Agent | undefined,
): Promise<unknown> {
  if (agent) {
    // The cage may run the generation on trial. The old one starts like every agent.
    if (row.state === "activating") await context.cages.clear(agent);
    const own = context.paths.agent(agent.id);
    for (const path of [own.generation(row.id), own.project(row.id), own.system(row.id)])
      await rm(path, { recursive: true, force: true });
    if (agent.isDraft) await context.commands.discardDraft(agent);
  }
  if (row.kind === "spawn" && row.origin !== "revive" && row.name !== MANAGER) await context.repos.removeProposed(row.name);
  let error = "the daemon ended before the deploy was done; nothing has changed, ask again";
  let damage: unknown;
  try {
    const repo = context.repos.applied(row.name);
    await repo.ensure();
    // It may have failed and been tagged with the reason just before the daemon ended.
    const recorded = (await repo.tagMessage(`failed/${row.id}`))?.split("\n\nrequested by ")[0]?.trim();
    error = recorded ?? error;
    if (recorded === undefined) await tagEnd(context, { ...row, error, state: "failed" });
  } catch (thrown) {
    damage = thrown;
    error = `${error}; the applied repository of ${row.name} is damaged: ${messageOf(thrown)}`;
  }
  await context.store.write((tx) => requestStore.move(tx, row.id, "fail", SYSTEM, { error, resolved_at: context.now() }));
  return damage;
}

/** Repairs what is derived from an agent's record. */
async function repair(context: DeployContext, agent: Agent): Promise<void> {
  const { deployedSha, generation } = agent.record;
  if (deployedSha === undefined) return;
  const repo = context.repos.applied(agent.name);
  const main = (await repo.refs()).get("refs/heads/main");
  if (main !== deployedSha) await repo.moveMain(deployedSha, main);
  await repairTags(context, agent.name);
  const folder = context.paths.agent(agent.id).generation(generation);
  const request = context.store.approvals.byId(generation);
  if (request?.name === agent.name) await writeProject(context, request, agent.id);
  if (existsSync(folder)) return;
  await writeGeneration(folder, await repo.files(deployedSha));
  agent.switchTo(generation, readConfigTree(folder));
}
