import { listed } from "../lib/within.ts";
import type { ApprovalRecord } from "../store/approvals.ts";
import type { AuditLine } from "../store/ledger.ts";
import type { AuditRow, DeployRow, MetaInput } from "../wire/approval.ts";
import { flakeInputs, rebuiltBy } from "../config-repos/flake-lock.ts";
import type { Ledger } from "../config-repos/types.ts";
import { instant } from "../wire/instant.ts";
import { MAX_LISTING_BYTES } from "../wire/limits.ts";
import { OPERATOR } from "../wire/names.ts";
import type { DeployContext } from "./deploy-context.ts";

const NEWEST = Number.MAX_SAFE_INTEGER;
/** The ledger input that every agent depends on. */
export const HYPERHIVE = "hyperhive";
const AGENT_INPUT = "agent-";

/** An agent's ended requests, newest first. */
export function deployRows(
  context: DeployContext,
  query: { agent: string; before?: number | undefined; limit: number },
): { rows: DeployRow[]; more?: true } {
  const agent = context.swarm.byNameEvenDestroyed(query.agent);
  const limits = { limit: query.limit, bytes: MAX_LISTING_BYTES };
  const rows = context.store.approvals.deploysOf(query.agent, query.before ?? NEWEST, query.limit + 1);
  return listed(rows, (row) => deployRow(row, agent.record.deployedRequest), limits);
}

function deployRow(row: ApprovalRecord, running: number | undefined): DeployRow {
  const result: DeployRow = {
    id: row.id,
    state: row.state as DeployRow["state"],
    sha: row.sha,
    at: instant(row.resolved_at ?? row.requested_at),
    origin: row.origin,
    by: row.resolved_by ?? row.requested_by,
    runs: row.id === running,
  };
  if (row.description !== null) result.description = row.description;
  const error = row.error ?? row.note;
  if (error !== null) result.error = error;
  return result;
}

/** The audit trail, newest first. For a deployed request it includes the messages that its agent sent while it ran. */
export function auditRows(
  context: DeployContext,
  query: {
    agent?: string | undefined;
    request?: number | undefined;
    kind?: string | undefined;
    before?: number | undefined;
    limit: number;
  },
): { rows: AuditRow[]; more?: true } {
  const { agent, request, kind } = query;
  const before = query.before ?? NEWEST;
  const limits = { limit: query.limit, bytes: MAX_LISTING_BYTES };
  const limit = query.limit + 1;
  const lines = context.store.ledger.trail({
    before,
    limit,
    ...(agent === undefined ? {} : { agent }),
    ...(request === undefined ? {} : { request }),
    ...(kind === undefined ? {} : { kind }),
  });
  if (request === undefined || (kind !== undefined && kind !== "sent")) return listed(lines, auditRow, limits);
  const both = [...Array.from(lines, auditRow), ...sentUnder(context, request, before, limit)].sort((a, b) => b.seq - a.seq);
  return listed(both, (row) => row, limits);
}

function auditRow(line: AuditLine): AuditRow {
  const detail = line.detail === null ? undefined : (JSON.parse(line.detail) as Record<string, unknown>);
  const row: AuditRow = { seq: line.seq, at: instant(line.at), actor: line.actor, kind: line.kind };
  if (line.agent !== null) row.agent = line.agent;
  if (line.reason !== null) row.reason = line.reason;
  if (line.request !== null) row.request = line.request;
  if (typeof detail?.["sha"] === "string") row.sha = detail["sha"];
  if (detail) row.detail = detail;
  return row;
}

/** The messages that an agent sent while a deploy ran: between its end and the end of the next deploy. */
function sentUnder(context: DeployContext, request: number, before: number, limit: number): AuditRow[] {
  const { approvals, ledger, messages } = context.store;
  const row = approvals.byId(request);
  if (!row?.agent || row.state !== "deployed") return [];
  const began = ledger.audited({ request, kind: "deployed", before: NEWEST, limit: 1 })[0]?.seq;
  if (began === undefined) return [];
  const next = ledger.nextOf(row.name, "deployed", began) ?? NEWEST;
  return messages.sentBetween(row.agent, began, Math.min(next, before), limit).map((message) => ({
    seq: message.id,
    at: instant(message.created_at),
    actor: row.name,
    kind: "sent",
    agent: row.name,
    request,
    sha: row.sha,
    detail: {
      message: message.id,
      to: message.recipient === OPERATOR ? OPERATOR : (context.swarm.byId(message.recipient)?.name ?? message.recipient),
    },
  }));
}

/**
 * The inputs that the ledger locks: hyperhive itself, and each agent's config. On a platform with a flake, what its lock
 * has, down to the agents' own inputs.
 */
export async function ledgerInputs(context: DeployContext): Promise<MetaInput[]> {
  const { meta } = context.repos;
  const head = await meta.head();
  const [ledger, lock] = await Promise.all([meta.ledger(head), meta.file(head, FLAKE_LOCK)]);
  const known = metaInputs(context, ledger);
  if (lock === undefined) return known;
  const agents = context.swarm.all().map(({ name }) => name);
  // The lock of a folder has no revision: the ledger has it.
  return flakeInputs(lock).map((input) => ({
    ...known.find(({ name }) => name === input.name),
    ...input,
    rebuilds: rebuiltBy(input.name, agents),
  }));
}

/** The lock of a flake, in a ledger that has one. */
const FLAKE_LOCK = "flake.lock";

function metaInputs(context: DeployContext, ledger: Ledger): MetaInput[] {
  const agents = context.swarm.all();
  const locked = agents.flatMap((agent) => {
    const entry = ledger[agent.name];
    const row =
      agent.record.deployedRequest === undefined ? undefined : context.store.approvals.byId(agent.record.deployedRequest);
    return entry ? [{ agent: agent.name, entry, at: row?.resolved_at ?? undefined }] : [];
  });
  // If agents are locked to different revisions, show the oldest lock, which an update brings forward.
  const oldest =
    [...locked].sort((a, b) => (a.at ?? 0) - (b.at ?? 0)).find(({ entry }) => entry.hyperhive !== context.revision) ?? locked[0];
  const hyperhive: MetaInput = { name: HYPERHIVE, rebuilds: agents.map((agent) => agent.name) };
  if (oldest) hyperhive.rev = oldest.entry.hyperhive;
  return [
    hyperhive,
    ...locked.map(({ agent, entry, at }) => ({
      name: `${AGENT_INPUT}${agent}`,
      rev: entry.rev,
      ...(at === undefined ? {} : { modified_at: instant(at) }),
      rebuilds: [agent],
    })),
  ];
}

/**
 * The agents that depend on an input. Undefined if there is no such input. Only the first part of a path with slashes
 * counts: an agent's own inputs are locked anew with it.
 */
export function dependants(inputs: readonly MetaInput[], name: string): string[] | undefined {
  const root = name.split("/")[0] ?? name;
  return inputs.find((input) => input.name === root)?.rebuilds;
}
