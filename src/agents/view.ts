import { hivectl } from "../lib/hivectl.ts";
import type { AgentView } from "../wire/agent.ts";
import { shortSha } from "../wire/sha.ts";
import { instant } from "../wire/instant.ts";
import type { WorkDone, WorkspaceReport } from "../wire/harness.ts";
import type { Agent } from "./agent.ts";

interface ViewInputs {
  unread: number;
  tokensToday: number;
  costToday: number;
  unpricedToday: number;
  currentRevision: string;
  url: string;
  port: number | undefined;
  portProblem: string | undefined;
  budgetWarnings?: readonly string[];
  secretProblems: readonly string[];
  lastTurn: AgentView["last_turn"];
  /** True if a change of the agent with this commit has been merged into the base. */
  isMerged(repo: string, base: string, commit: string): boolean;
}

/** The view of an agent. Unknown fields are absent. */
export function agentView(agent: Agent, facts: ViewInputs): AgentView {
  const { record } = agent;
  const revision = "revision" in agent.phase ? agent.phase.revision : undefined;
  return {
    id: agent.id,
    name: agent.name,
    role: agent.role,
    state: agent.state,
    state_since: instant(agent.stateSince),
    state_reason: agent.stateReason,
    resumes_at: agent.resumesAt === undefined ? undefined : instant(agent.resumesAt),
    running: agent.isUp,
    asleep: agent.phase.at === "asleep" || agent.phase.at === "dozing",
    failed: agent.state === "failed",
    paused: record.paused,
    over_budget: agent.state === "rate_limited" && agent.overBudget ? (true as const) : undefined,
    needs_login: agent.park?.why === "needs_login",
    needs_update: agent.harness?.stale === true || (record.hyperhive !== undefined && record.hyperhive !== facts.currentRevision),
    destroyed: agent.destroyed,
    unread: facts.unread,
    model: agent.model,
    credential: agent.config.credential,
    description: agent.config.description || undefined,
    status_text: record.statusText || undefined,
    status_set_at: record.statusText ? record.statusSetAt : undefined,
    turn: agent.turn?.turn,
    turn_started_at: agent.turn ? instant(agent.turn.startedAt) : undefined,
    last_turn: facts.lastTurn,
    context_tokens: agent.contextTokens,
    context_window: agent.contextWindow,
    tokens_today: facts.tokensToday,
    cost_today_usd: facts.costToday,
    unpriced_today: facts.unpricedToday,
    deployed_sha: record.deployedSha === undefined ? undefined : shortSha(record.deployedSha),
    deploying: agent.deploying,
    drift: agent.drift,
    revision: revision ?? facts.currentRevision,
    created_at: record.createdAt,
    url: facts.url,
    port: facts.port,
    warnings: [
      agent.drift === undefined ? undefined : `drift: ${agent.drift}`,
      agent.problem,
      agent.workspace?.failed === true ? unready(agent, agent.workspace) : undefined,
      ...agent.warnings,
      ...Object.entries(agent.unconnected).map(([name, why]) => `the tool server ${name} has not connected: ${why}`),
      facts.portProblem,
      ...agent.mountProblems,
      ...facts.secretProblems,
      agent.diskWarning,
      ...(facts.budgetWarnings ?? []),
    ].filter((one) => one !== undefined),
    work: agent.work.length === 0 ? undefined : agent.work.map((one) => unmerged(one, facts)),
    unready_workspace:
      agent.workspace?.failed === true ? { repo: agent.workspace.repo, reason: agent.workspace.reason } : undefined,
  };
}

/** What of its work no base has: without the commits that were merged since its clone has fetched. */
function unmerged(
  { head, ...all }: WorkDone,
  { isMerged }: Pick<ViewInputs, "isMerged">,
): NonNullable<AgentView["work"]>[number] {
  if (!head || all.added + all.removed === 0 || !isMerged(all.repo, head.base, head.commit)) return all;
  return { ...all, added: head.added, removed: head.removed };
}

function unready({ name }: Agent, { repo, reason }: WorkspaceReport): string {
  return `workspace not ready: ${repo}: ${reason}; ${hivectl(`work retry ${name}`)} makes it again, ${hivectl(`work skip ${name}`)} goes on without`;
}
