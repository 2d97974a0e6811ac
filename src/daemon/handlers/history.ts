import { isListed } from "../../gateway/egress/allow.ts";
import type { EgressVerdict } from "../../gateway/egress/verdict.ts";
import { senderName } from "../../messages/view.ts";
import { sinceOf, statistics } from "../../agents/statistics.ts";
import type { EgressRow, TurnRow, UsageFigures, UsageKey, UsageSumRow } from "../../wire/history-operations.ts";
import { instant } from "../../wire/instant.ts";
import { OPERATOR, SYSTEM } from "../../wire/names.ts";
import type { EgressRecord } from "../../store/ledger.ts";
import type { TurnRecord } from "../../store/turns.ts";
import type { UsageGroup, UsageSum } from "../../store/usage.ts";
import { MAX_CHANGE_USAGE, MAX_USAGE_ROWS } from "../../wire/limits.ts";
import { listing } from "../listings.ts";
import { lastDays } from "../usage.ts";
import type { HandlerContext, Handlers } from "./types.ts";

type Names = "search" | "turns" | "statistics" | "usage" | "usage_sums" | "change_usage" | "egress";

const NEWEST = Number.MAX_SAFE_INTEGER;

/** The id of a principal. Destroyed agents have one too, because their history is kept. */
export function principalId(context: HandlerContext, name: string): string {
  return name === OPERATOR || name === SYSTEM ? name : context.swarm.byNameEvenDestroyed(name).id;
}

/** The operations that read the past. */
export const historyHandlers: Pick<Handlers, Names> = {
  async search(context, input) {
    const who = input.agent === undefined ? undefined : principalId(context, input.agent);
    const isComplete = await context.searchIndex.catchUp();
    return { ...context.history.search(input, who), indexing: !isComplete };
  },
  turns(context, input) {
    const agent = context.swarm.byNameEvenDestroyed(input.agent);
    const rows = context.store.turns.list(agent.id, input.before ?? NEWEST, input.limit + 1);
    const { rows: turns, ...end } = listing(rows, (row) => turnRow(row, context.directory.nameOf), input);
    return { turns, ...end };
  },
  statistics(context, input) {
    const agent = context.swarm.byNameEvenDestroyed(input.agent);
    const now = Date.now();
    return statistics(context.store.turns.endedSince(agent.id, sinceOf(input.range, now)), input.range, now);
  },
  usage(context, input) {
    const agent = input.agent === undefined ? undefined : context.swarm.byNameEvenDestroyed(input.agent).id;
    const { lines, more } = context.store.usage.page({ agent, before: input.before, days: input.limit });
    return {
      rows: lines.map((line) => ({
        day: line.day,
        agent: context.directory.nameOf(line.agent),
        model: line.model,
        credential: line.credential,
        ...figures(line),
      })),
      time_zone: context.budgets.days.zone,
      total: figures(context.store.usage.total(agent)),
      more,
    };
  },
  usage_sums(context, input) {
    const agent = input.agent === undefined ? undefined : context.swarm.byNameEvenDestroyed(input.agent).id;
    const period = { ...lastDays(input.days, today(context)), agent };
    const groups = context.store.usage.groups({ ...period, by: input.by }, MAX_USAGE_ROWS + 1);
    const { rows, more } = listing(groups, (group) => ({ ...keysOf(group, context.directory.nameOf), ...figures(group) }), {
      limit: MAX_USAGE_ROWS,
    });
    const { since, until } = period;
    return {
      since,
      until,
      time_zone: context.budgets.days.zone,
      rows,
      total: figures(context.store.usage.sum(period)),
      more: more === true,
    };
  },
  change_usage(context, input) {
    const { since, until } = lastDays(input.days, today(context));
    const found = context.store.changes.usage(context.budgets.days.beginOf(since), MAX_CHANGE_USAGE + 1);
    const { rows, more } = listing(
      found,
      ({ agent, costUsd: cost_usd, ...row }) => ({ ...row, agent: context.directory.nameOf(agent), cost_usd }),
      { limit: MAX_CHANGE_USAGE },
    );
    return { since, until, time_zone: context.budgets.days.zone, rows, more: more === true };
  },
  egress(context, input) {
    const agent = context.swarm.byNameEvenDestroyed(input.agent);
    const rows = context.store.ledger.connections(agent.id, input.before ?? NEWEST, input.limit + 1);
    const { rows: connections, ...end } = listing(rows, (row) => egressRow(row, agent.config.egress), input);
    return { connections, ...end };
  },
};

/** Verdicts that an entry in the agent's list changes. */
const OF_LIST: readonly string[] = ["not listed", "port not listed"] satisfies EgressVerdict[];

function egressRow(record: EgressRecord & { id: number }, list: readonly string[]): EgressRow {
  const { id, at, host, port, verdict, bytesIn, bytesOut, call } = record;
  const listed = OF_LIST.includes(verdict) && isListed(list, host, port) ? { listed: true as const } : {};
  const row = { id, at: instant(at), host, port, verdict, ...listed, bytes_in: bytesIn, bytes_out: bytesOut };
  return call ? { ...row, call: JSON.parse(call) as EgressRow["call"] } : row;
}

/** The operator's date. */
const today = ({ budgets, now }: HandlerContext): string => budgets.days.at(now()).date;

function keysOf({ day, agent, model, credential }: UsageGroup, nameOf: (id: string) => string): Pick<UsageSumRow, UsageKey> {
  return {
    ...(day === undefined ? {} : { day }),
    ...(agent === undefined ? {} : { agent: nameOf(agent) }),
    ...(model === undefined ? {} : { model }),
    ...(credential === undefined ? {} : { credential }),
  };
}

function figures({ requests, input, output, cacheRead, cacheWrite, costUsd, unpriced }: UsageSum): UsageFigures {
  return {
    requests,
    tokens: { input, output, cache_read: cacheRead, cache_write: cacheWrite },
    cost_usd: costUsd,
    unpriced,
  };
}

function turnRow(row: TurnRecord, nameOf: (id: string) => string): TurnRow {
  return {
    turn: row.turn,
    message: row.message ?? undefined,
    from: row.sender === null ? undefined : senderName({ sender: row.sender, label: row.label }, nameOf),
    started_at: instant(row.started_at),
    ended_at: row.ended_at === null ? undefined : instant(row.ended_at),
    result: row.result ?? undefined,
    reason: row.reason ?? undefined,
    duration_ms: row.duration_ms ?? undefined,
    tokens: row.tokens ?? undefined,
    cost_usd: row.cost_usd ?? undefined,
    credential: row.credential ?? undefined,
  };
}
