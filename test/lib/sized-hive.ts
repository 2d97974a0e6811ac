import type { DiffFile, RiskMark } from "../../src/wire/approval.ts";
import type { BudgetRow } from "../../src/wire/budget.ts";
import { CHANGE_STATES } from "../../src/wire/change-states.ts";
import type { StoredTurnEvent, TurnEvent } from "../../src/wire/event.ts";
import {
  aChange,
  aComment,
  aHive,
  aMessage,
  anAgent,
  anApproval,
  aQuestion,
  aRepo,
  ago,
  aState,
  BASE,
  DIGEST,
  events,
  SHA,
} from "./fixtures.ts";
import { FixtureHive } from "./fixture-hive.ts";

/** A name of maximum length. */
export const LONGEST_NAME = "archivist-of-everything-written".padEnd(32, "x");
/** A word that cannot be broken. */
const LONG_WORD = `https://export.example/${"a-path-without-a-break/".repeat(14)}`;
const LONG_TEXT = `${"several words of a sentence that goes on. ".repeat(30)}\n\n${LONG_WORD}`;

const many = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

/**
 * A hive with `size` of everything that a page lists: agents, messages, questions, requests, kept state, events, files,
 * lines. The first of each has the longest name, text and reason. The agent `hm1nd`, request 42, change 12 and the repository `web` always exist,
 * because page addresses name them.
 */
export function sizedHive(size: number): FixtureHive {
  const name = (n: number): string => (n === 0 ? LONGEST_NAME : `worker-${n}`);
  const agents = many(size, (n) =>
    anAgent(name(n), {
      state: (["idle", "thinking", "failed", "rate_limited", "paused"] as const)[(n + 2) % 5] ?? "idle",
      failed: n % 5 === 0,
      ...(n % 5 === 0 || n % 5 === 1 ? { state_reason: LONG_TEXT } : {}),
      ...(n % 5 === 1 ? { resumes_at: ago(-180) } : {}),
      running: n % 5 !== 0,
      status_text: LONG_WORD.slice(0, 280),
      last_turn: { turn: 9, result: n % 3 === 0 ? "failed" : "ok", reason: LONG_TEXT, duration_ms: 182_000, ended_at: ago(300) },
      unread: 1284,
      needs_update: n % 2 === 0,
      needs_login: n % 2 === 0,
      model: "claude-opus-4-8-20261101",
      cost_today_usd: 1284.5,
      unpriced_today: 1284,
      tokens_today: 912_400_000,
      deployed_sha: BASE.slice(0, 12),
      context_tokens: 141_000,
      context_window: 200_000,
      warnings: n % 2 === 0 ? [LONG_TEXT, "a config that does not fit"] : [],
    }),
  );
  const kept = many(size, (n) =>
    anAgent(n === 0 ? LONGEST_NAME.replace("a", "k") : `kept-${n}`, { destroyed: true, running: false, state: "offline" }),
  );
  const risks = many(Math.min(size, 60), (n): RiskMark => ({
    level: n % 2 === 0 ? "danger" : "info",
    kind: "egress",
    text: `${LONG_WORD}${n}`,
    path: "agent.json",
  }));
  // The first has all possible risks. In every one they would take most of a test's time.
  const request = (n: number) =>
    anApproval({
      id: 42 + n,
      agent: size === 0 ? "hm1nd" : name(n),
      requested_at: ago(600 - n),
      description: LONG_TEXT,
      risks: n === 0 ? risks : risks.slice(0, 2),
    });
  const settled = (n: number) =>
    anApproval({ ...request(n), id: 1 + (n % 41), state: "failed", resolved_by: "operator", error: `${LONG_TEXT}\n`.repeat(20) });
  const questions = many(size, (n) =>
    aQuestion(LONG_TEXT, {
      id: 3000 + n,
      agent: n % 2 === 0 ? "hm1nd" : name(n),
      options: n % 2 === 0 ? many(20, (m) => (m === 0 ? LONG_WORD : `option ${m}`)) : [],
      multi: n % 4 === 0,
    }),
  );
  const messages = many(size, (n) =>
    aMessage(n % 3 === 0 ? name(n) : "hm1nd", n % 3 === 1 ? name(n) : n % 3 === 0 ? "operator" : "hm1nd", LONG_TEXT, {
      id: 5000 + n,
      seq: 5000 + n,
      state: (["done", "queued", "dead", "held", "leased"] as const)[n % 5] ?? "done",
      reason: LONG_TEXT,
      created_at: ago(600 - n),
      ...(n > 0 ? { in_reply_to: 4999 + n, chain: 5000 } : {}),
    }),
  );
  const files = many(size, (n): DiffFile => ({
    path: n === 0 ? `deep/${"folder/".repeat(30)}${LONGEST_NAME}.md` : `docs/part-${n}.md`,
    status: "added",
    binary: false,
    added: size,
    removed: 0,
    cut: n === 1,
    // One is as long as the list of files. Two hundred of that length would exceed a request.
    patch: `@@ -0,0 +1,${size} @@\n${many(n === 0 ? size : 2, (m) => `+${m % 9 === 0 ? LONG_WORD : `line ${m}`}`).join("\n")}\n`,
  }));
  const change = (n: number) =>
    aChange({
      id: 12 + n,
      agent: size === 0 ? "hm1nd" : name(n),
      branch: n === 0 ? "a-branch/".repeat(12) + "of-many-words" : `topic-${n}`,
      title: LONG_TEXT.slice(0, 200),
      body: n === 0 ? LONG_TEXT : "",
      state: CHANGE_STATES[n % CHANGE_STATES.length] ?? "proposed",
      round: 1 + (n % 3),
      marks: n === 0 ? risks : risks.slice(0, 1),
      reason: n % 2 === 0 ? undefined : `${LONG_TEXT}\n${LONG_WORD}`,
      has_log: n % 2 === 0,
    });
  // The first has everything. With twenty bases in each, one page would take most of a test's time.
  const repo = (n: number, most = n === 0 ? 20 : 2) =>
    aRepo(n === 0 ? "web" : `repository-${n}`, {
      upstream: `/home/you/${LONG_WORD}`,
      check: LONG_TEXT,
      agents: many(Math.min(size, most), (m) => ({ name: name(m), access: "write" as const })),
      bases: many(Math.min(size, most), (m) => ({ name: m === 0 ? "main" : `release/${"long-".repeat(12)}${m}`, sha: SHA })),
      queues: many(Math.min(size, most), (m) => ({
        base: m === 0 ? "main" : `release/${"long-".repeat(12)}${m}`,
        state: (["busy", "stopped", "paused", "idle"] as const)[m % 4] ?? "idle",
        ...(m % 4 === 0 ? { change: 12, since: ago(200) } : {}),
        ...(m % 4 === 1 ? { reason: LONG_TEXT } : {}),
        waiting: many(Math.min(size, 5), (k) => 14 + k),
      })),
    });
  const comments = many(Math.min(size, 60), (n) =>
    aComment({
      id: 9000 + n,
      ...(n % 3 === 0 ? {} : { path: files[0]?.path ?? "", line: n, side: "new" as const }),
      author: n % 2 === 0 ? "operator" : name(0),
      text: n < 4 ? LONG_TEXT : "short",
      quote: LONG_WORD,
      answer: LONG_WORD,
      outdated: n % 5 === 1,
      state: (["open", "draft", "resolved"] as const)[n % 3] ?? "open",
    }),
  );
  const turns = (agent: string): StoredTurnEvent[] =>
    events(
      agent,
      many(size, (n) => turnEvent(n)),
    );
  const hive = new FixtureHive(
    aState({
      hive: aHive({
        operator_unread: size,
        read_up_to: 0,
        banners: many(Math.min(size, 8), (n) => ({ level: n === 0 ? ("error" as const) : ("warn" as const), text: LONG_TEXT })),
      }),
      agents: [anAgent("hm1nd", { model: "sonnet", deployed_sha: BASE.slice(0, 12) }), ...agents, ...kept],
      approvals: many(size, request),
      repos: many(Math.max(1, size), (n) => repo(n)),
      changes: many(size, change),
      questions,
      messages,
    }),
    {
      turn_events: ({ agent }) => ({ events: turns(agent), more: false }),
      change: () => ({ change: change(0), base_sha: BASE, files, comments }),
      changes: () => ({ changes: many(size, change).reverse() }),
      repo: () => ({
        repo: repo(0),
        branches: many(size, (n) => ({ agent: name(n), branch: `${"topic-".repeat(n === 0 ? 18 : 1)}${n}`, sha: SHA })),
      }),
      change_log: ({ after }) =>
        after === undefined ? { lines: many(size, (n) => `${n} ${LONG_WORD}`), position: 100 } : new Promise(() => {}),
      show: ({ id }) => ({ approval: { ...request(0), id, digest: DIGEST }, base_sha: BASE, files, cut: false }),
      approvals: () => ({ approvals: many(Math.min(size, 41), settled) }),
      tombstones: () => ({ agents: kept.map((one) => ({ name: one.name, destroyed_at: ago(90_000), bytes: 7e9 })) }),
      meta: () => ({
        head: SHA,
        inputs: many(size, (n) => ({
          name: n === 0 ? LONG_WORD : `input-${n}`,
          rev: SHA,
          modified_at: ago(9000),
          rebuilds: ["hm1nd"],
        })),
      }),
      change_usage: () => ({
        since: "2026-10-31",
        until: "2026-11-29",
        time_zone: "America/Argentina/ComodRivadavia",
        rows: many(Math.min(size, 200), (n) => ({
          change: 1e6 + n,
          repo: LONG_WORD,
          title: LONG_WORD,
          agent: name(n % 5),
          state: "changes_requested" as const,
          turns: 91_240,
          tokens: 9_124_000_000,
          cost_usd: 1284.5,
          unpriced: 1204,
        })),
        more: true,
      }),
      credentials: () => ({
        credentials: many(Math.min(size, 51), (n) => ({
          name: n === 0 ? "default" : name(n - 1),
          source: n % 3 === 2 ? ("file" as const) : ("token" as const),
          ...(n % 3 === 2 ? { file: `/${LONG_WORD}`, problem: LONG_TEXT } : {}),
          by: `operator/${LONGEST_NAME}`,
          at: ago(900),
          agents: n === 1 ? many(size, name) : [],
        })),
      }),
      budget: () => ({
        time_zone: "America/Argentina/ComodRivadavia",
        rows: many(size, (n): BudgetRow => ({
          scope: (["agent", "credential", "change"] as const)[n % 3] ?? "agent",
          agent: name(n),
          ...(n % 3 === 1 ? { credential: name(n) } : {}),
          ...(n % 3 === 2 ? { change: 12 + n } : {}),
          limit: n % 3 === 2 ? "input_tokens_per_change" : "input_tokens_per_day",
          allowed: 912_400_000_000,
          extra: 91_240_000_000,
          used: 912_400_000_000 * (n % 2),
          from: "operator",
          resets_at: ago(-3600),
        })),
        over: [],
      }),
      loops: () => ({
        loops: many(Math.min(size, 50), (n) => ({
          chain: n + 1,
          agents: [name(0), name(1), name(2), name(3), name(0)],
          rounds: 31,
          cost_usd: 1284.5,
          unpriced: 1204,
          output_tokens: 91_240_000,
          last_at: ago(90),
          held: n % 2 === 0,
        })),
        limit: { usd: 1, output_tokens: 100_000 },
      }),
      usage_sums: ({ by }) => {
        const tokens = { input: 912_400_000, output: 91_240_000, cache_read: 9_124_000_000, cache_write: 912_400 };
        const figures = { requests: 912_400, tokens, cost_usd: 1284.5, unpriced: 1204 };
        const day = (n: number): string => new Date(Date.UTC(2026, 10, 29) - n * 86_400_000).toISOString().slice(0, 10);
        return {
          since: day(29),
          until: day(0),
          time_zone: "America/Argentina/ComodRivadavia",
          rows: many(size, (n) => ({
            ...figures,
            ...(by?.includes("day") ? { day: day(n) } : {}),
            ...(by?.includes("agent") ? { agent: name(n % 5) } : {}),
            ...(by?.includes("credential") ? { credential: name(n % 5) } : {}),
            ...(by?.includes("model") ? { model: "claude-opus-4-8-20261101" } : {}),
          })),
          total: figures,
          more: true,
        };
      },
      usage: ({ agent }) => {
        const tokens = { input: 912_400_000, output: 91_240_000, cache_read: 9_124_000_000, cache_write: 912_400 };
        const figures = { requests: 9, tokens, cost_usd: 1284.5, unpriced: 1 };
        return {
          rows: many(size, (n) => ({
            ...figures,
            day: new Date(Date.UTC(2026, 10, 29) - Math.floor(n / 5) * 86_400_000).toISOString().slice(0, 10),
            agent: agent ?? name(n % 5),
            model: "claude-opus-4-8-20261101",
            credential: name(n % 5),
          })),
          time_zone: "America/Argentina/ComodRivadavia",
          total: figures,
          more: false,
        };
      },
      turns: () => ({
        turns: many(size, (n) => ({
          turn: size - n,
          message: 11,
          from: name(n),
          started_at: ago(600 + n),
          ended_at: ago(500),
          result: n % 2 === 0 ? ("ok" as const) : ("failed" as const),
          reason: n % 2 === 0 ? "completed" : LONG_TEXT,
          duration_ms: 7200,
          tokens: 912_400_000,
          cost_usd: 1284.5,
        })),
      }),
      egress: () => ({
        connections: many(size, (n) => ({
          id: n + 1,
          at: ago(240),
          host: n === 0 ? `${"sub.".repeat(40)}example.org` : "export.arxiv.org",
          port: 443,
          verdict: "denied" as const,
          bytes_in: 9e9,
          bytes_out: 0,
        })),
      }),
      deploys: () => ({
        deploys: many(size, (n) => ({
          id: n + 1,
          state: n % 2 === 0 ? ("failed" as const) : ("deployed" as const),
          sha: BASE,
          at: ago(60),
          origin: "request" as const,
          by: "operator",
          description: LONG_TEXT,
          error: n % 2 === 0 ? LONG_TEXT : undefined,
          runs: false,
        })),
      }),
      logs: ({ after }) =>
        after === undefined ? { lines: many(size, (n) => `${n} ${LONG_WORD}`), position: 100 } : new Promise(() => {}),
      config: () => ({
        files: many(size, (n) => ({ path: n === 0 ? `${LONGEST_NAME}.md` : `part-${n}.md`, text: `${LONG_TEXT}\n`.repeat(60) })),
      }),
      inbox: () => ({ messages: messages.filter(({ to }) => to === "operator").reverse(), unread: size, read_up_to: 0 }),
      search: () => ({ messages: [...messages].reverse(), indexing: false }),
    },
  );
  hive.state.stuck = messages.filter(({ state }) => state === "dead" || state === "held");
  return hive;
}

/** All kinds of rows of a tail in turn, each with more than fits. */
function turnEvent(n: number): TurnEvent {
  const kinds: TurnEvent[] = [
    { type: "text", text: LONG_TEXT },
    { type: "text", text: `\`\`\`sh\n${LONG_WORD}\n\`\`\`` },
    { type: "thinking", text: LONG_TEXT },
    { type: "tool_use", id: `t${n}`, name: "Bash", input: { command: LONG_WORD } },
    { type: "tool_result", id: `t${n - 1}`, is_error: true, text: `${LONG_WORD}\n`.repeat(40) },
  ];
  return kinds[n % kinds.length] ?? { type: "text", text: "" };
}
