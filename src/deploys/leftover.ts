import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SYSTEM_SUFFIX } from "../lib/paths.ts";
import type { Agent } from "../agents/agent.ts";
import type { ApprovalRecord } from "../store/approvals.ts";
import type { DeployContext } from "./deploy-context.ts";
import { checkDrift } from "./drift.ts";
import { refreshMarks } from "./marks.ts";
import type { RequestStore } from "./request-store.ts";

/**
 * Updates the other parts after a deploy: marks of pending requests, the ledger's checkout, drift. Removes old
 * generations.
 */
export async function tidyUp(
  context: DeployContext,
  requestStore: RequestStore,
  agent: Agent,
  row: ApprovalRecord,
): Promise<void> {
  await context.allStop.afterDeploy(agent);
  // Pending requests may name the new agent.
  if (row.kind === "spawn") await refreshMarks(context, requestStore);
  await context.repos.meta.refreshCheckout();
  await checkDrift(context);
  const { generation } = agent.record;
  const folder = dirname(context.paths.agent(agent.id).generation(generation));
  const names = await readdir(folder);
  const kept = [String(generation), `${generation}.project`, ...newestSystems(names, generation)];
  for (const name of names) if (!kept.includes(name)) await rm(join(folder, name), { recursive: true, force: true });
}

/**
 * The systems of the running generation and of those before it that a roll-back finds built. An older one is built again,
 * from what the store and its caches still have.
 */
const KEPT_SYSTEMS = 5;

function newestSystems(names: readonly string[], running: number): string[] {
  return names
    .filter((name) => name.endsWith(SYSTEM_SUFFIX) && Number.parseInt(name, 10) <= running)
    .sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10))
    .slice(0, KEPT_SYSTEMS);
}

/** Removes a purged agent's repositories and its entry in the ledger. Its rows and the ledger's history stay. */
export async function forget(context: DeployContext, name: string, author: string): Promise<void> {
  const { meta } = context.repos;
  const facts = { message: `purge ${name}`, author, at: context.now() };
  for (;;) {
    const head = await meta.head();
    if ((await meta.ledger(head))[name] === undefined) break;
    // Another deploy may have published meanwhile.
    if ((await meta.publish(await meta.candidate(head, name, undefined, facts), head)).ok) break;
  }
  await context.repos.removeProposed(name);
  await context.repos.applied(name).remove();
  await meta.refreshCheckout();
}
