import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { ApprovalRecord } from "../store/approvals.ts";
import { MANAGER, SYSTEM } from "../wire/names.ts";
import type { Agent } from "../agents/agent.ts";
import { readConfigTree, writeGeneration } from "../agents/config-tree.ts";
import type { RequestStore } from "./request-store.ts";
import { isInFlight } from "../wire/request-states.ts";
import { repairTags } from "./projection.ts";
import { markDeployed, settleDeploy, tagEnd } from "./finish.ts";
import type { DeployContext } from "./deploy-context.ts";

/** What became of the requests that were in flight when the last daemon ended. */
export interface Recovered {
  forward: number[];
  back: number[];
}

/**
 * At start, before anything runs: every request in flight is carried to its end if the ledger holds its commit, and
 * undone if not. Then the projection is repaired: main, tags, the generation that runs, the readers' copy of the ledger.
 * Called again after a crash in the middle it ends the same way.
 */
export async function recover(context: DeployContext, requestStore: RequestStore): Promise<Recovered> {
  const recovered: Recovered = { forward: [], back: [] };
  await context.repos.meta.ensure();
  for (const row of context.store.approvals.open().filter((one) => isInFlight(one.state))) {
    const agent = agentFor(context, row);
    const published = row.candidate !== null && (await context.repos.meta.contains(row.candidate));
    let damage: unknown;
    if (published && agent) {
      // The ledger has spoken. What an applied repository that cannot be written lacks, a later start repairs.
      await markDeployed(context, row).catch((error: unknown) => (damage = error));
      await settleDeploy(context, requestStore, row, agent);
      recovered.forward.push(row.id);
    } else {
      damage = await rollBack(context, requestStore, row, agent);
      recovered.back.push(row.id);
    }
    if (damage !== undefined) damaged(agent)(damage);
  }
  // A spawn whose request was settled just before the end may have left its agent.
  for (const agent of context.swarm.drafts()) await context.commands.discardDraft(agent);
  for (const agent of context.swarm.all()) await repair(context, agent).catch(damaged(agent));
  for (const name of new Set(context.store.approvals.open().map((row) => row.name)))
    await repairTags(context, name).catch(damaged(context.swarm.find(name)));
  await context.repos.meta.refreshCheckout();
  return recovered;

  /** A repository that cannot be read is no reason for the others to stand still: it is shown, and the checker has it. */
  function damaged(agent: Agent | undefined): (error: unknown) => void {
    return (error) => {
      context.onUnexpected(error);
      const warning = `its applied repository is damaged: ${wordsOf(error)}`;
      agent?.warn(warning);
    };
  }
}

function agentFor(context: DeployContext, row: ApprovalRecord): Agent | undefined {
  return row.agent === null ? context.swarm.draftOf(row.name) : context.swarm.byId(row.agent);
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * What a deploy may have left that did not reach the ledger: the trial cage, its generation, a half-made agent. Resolves
 * with what is wrong with the applied repository, which keeps no request from its end, or undefined.
 */
async function rollBack(
  context: DeployContext,
  requestStore: RequestStore,
  row: ApprovalRecord,
  agent: Agent | undefined,
): Promise<unknown> {
  if (agent) {
    // The cage may be of the generation that was tried. What ran before starts like every agent does.
    if (row.state === "activating") await context.cages.clear(agent);
    await rm(context.paths.agent(agent.id).generation(row.id), { recursive: true, force: true });
    if (agent.isDraft) await context.commands.discardDraft(agent);
  }
  if (row.kind === "spawn" && row.origin !== "revive" && row.name !== MANAGER) await context.repos.removeProposed(row.name);
  let error = "the daemon ended before the deploy was done; everything is as it was, ask again";
  let damage: unknown;
  try {
    const repo = context.repos.applied(row.name);
    await repo.ensure();
    // It may have failed by itself, and have been tagged with the reason, just before the daemon ended.
    const told = (await repo.tagMessage(`failed/${row.id}`))?.split("\n\nrequested by ")[0]?.trim();
    error = told ?? error;
    if (told === undefined) await tagEnd(context, { ...row, error, state: "failed" });
  } catch (thrown) {
    damage = thrown;
    error = `${error}; the applied repository of ${row.name} is damaged: ${wordsOf(thrown)}`;
  }
  await context.store.write((tx) => requestStore.move(tx, row.id, "fail", SYSTEM, { error, resolved_at: context.now() }));
  return damage;
}

/** Makes what is derived from an agent's record say what the record says. */
async function repair(context: DeployContext, agent: Agent): Promise<void> {
  const { deployedSha, generation } = agent.record;
  if (deployedSha === undefined) return;
  const repo = context.repos.applied(agent.name);
  const main = (await repo.refs()).get("refs/heads/main");
  if (main !== deployedSha) await repo.moveMain(deployedSha, main);
  await repairTags(context, agent.name);
  const folder = context.paths.agent(agent.id).generation(generation);
  if (existsSync(folder)) return;
  await writeGeneration(folder, await repo.files(deployedSha));
  agent.become(generation, readConfigTree(folder));
}
