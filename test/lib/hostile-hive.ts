import type { Output } from "../../src/wire/operations.ts";
import { HiveError } from "../../src/wire/error.ts";
import { operations, type OperationName } from "../../src/wire/operations.ts";
import { FixtureHive } from "./fixture-hive.ts";
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
  events,
  SHA,
} from "./fixtures.ts";

/** Hostile text in every field that an agent, a commit or a repository can set. */

export const EVIL = `"><img src="https://evil.example/x" onerror="window.pwned=1"></script><script>window.pwned=1</script><svg onload=alert(1)> [x](javascript:alert(1)) javascript:alert(2) {{7*7}} \u001B[31m\u001B]8;;https://evil.example\u0007link\u001B]8;;\u0007 \u001B]52;c;ZXZpbA==\u0007 \u202Egnp.exe \u2066x\u2069 \u200B${"W".repeat(300)}`;
/** A name that no agent can have. A sender within a cage may use any name. */
export const NAME = `a"><img src=x onerror=alert(1)>`;

/** The largest figures. The daemon counts them, so they are numbers whatever an agent does. */
function statistics(): Output<"statistics"> {
  const buckets = Array.from({ length: 24 }, (_, n) => ({
    at: ago((24 - n) * 3600),
    turns: 9_999,
    failed: 999,
    parked: 999,
    cancelled: 999,
    interrupted: 999,
    tokens: 9_999_999_999,
    cost_usd: 99_999.99,
    unpriced: 0,
    p50_ms: 86_399_000,
    p95_ms: 863_990_000,
  }));
  return {
    total: {
      turns: 239_976,
      failed: 23_976,
      parked: 23_976,
      cancelled: 23_976,
      interrupted: 23_976,
      tokens: 239_999_999_976,
      cost_usd: 2_399_999.76,
      unpriced: 0,
      p50_ms: 86_399_000,
      p95_ms: 863_990_000,
    },
    buckets,
  };
}

/** A hive of hostile text. */
export function hostileHive(): FixtureHive {
  const approval = anApproval({
    agent: NAME,
    description: EVIL,
    requested_by: EVIL,
    risks: [{ level: "danger", kind: "egress", text: EVIL, path: EVIL }],
    note: EVIL,
  });
  const change = aChange({
    agent: NAME,
    branch: EVIL,
    base: EVIL,
    title: EVIL,
    body: EVIL,
    note: EVIL,
    reason: EVIL,
    marks: [{ level: "danger", kind: "protected", text: EVIL, path: EVIL }],
  });
  const state = aState({
    hive: aHive({ upstream: EVIL, scenarios: [EVIL], banners: [{ level: "warn", text: EVIL }], operator_unread: 1 }),
    agents: [
      anAgent("hm1nd", {
        status_text: EVIL,
        model: EVIL,
        description: EVIL,
        deployed_sha: EVIL,
        warnings: [EVIL],
        revision: EVIL,
        unread: 3,
      }),
      // Destroyed, with its state kept: everything it has set is still there.
      anAgent("gone", {
        destroyed: true,
        running: false,
        state: "offline",
        state_reason: EVIL,
        status_text: EVIL,
        description: EVIL,
        model: EVIL,
        revision: EVIL,
        deployed_sha: EVIL,
        warnings: [EVIL],
        last_turn: { turn: 1, result: "failed", reason: EVIL, duration_ms: 1, ended_at: ago(9) },
      }),
      anAgent("bad", {
        needs_update: true,
        drift: EVIL,
        warnings: [`drift: ${EVIL}`],
        unready_workspace: { repo: EVIL, reason: EVIL },
        state: "failed",
        failed: true,
        state_reason: EVIL,
        last_turn: { turn: 1, result: "failed", reason: EVIL, duration_ms: 1, ended_at: ago(9) },
      }),
    ],
    questions: [aQuestion(EVIL, { id: 17, agent: "hm1nd", options: [EVIL, "b"], multi: true })],
    approvals: [approval, anApproval({ id: 44, agent: "hm1nd", state: "activating", description: EVIL })],
    repos: [
      aRepo("web", {
        base: EVIL,
        check: EVIL,
        setup: EVIL,
        author: EVIL,
        reviewers: [EVIL],
        protected: [EVIL],
        upstream: EVIL,
        bases: [{ name: EVIL, sha: SHA }],
        agents: [{ name: NAME, access: "write" }],
        queues: [{ base: EVIL, state: "stopped", reason: EVIL, change: 12, since: ago(9), waiting: [] }],
      }),
    ],
    changes: [
      change,
      { ...change, id: 13, state: "checks_failed" },
      { ...change, id: 15, early_check: { state: "failed", reason: EVIL, onto: SHA, at: ago(9) } },
      { ...change, id: 14, agent: "hm1nd", state: "checking", has_log: true },
    ],
    stuck: [aMessage(NAME, "hm1nd", EVIL, { id: 3, state: "dead", reason: EVIL })],
    messages: [
      // The current time of the browser: the swarm draws the messages of the last hour.
      aMessage(`hm1nd/${NAME}`, "operator", EVIL, { id: 60, created_at: new Date().toISOString() }),
      aMessage(NAME, "hm1nd", EVIL, { id: 59, created_at: new Date().toISOString() }),
      aMessage("operator", "hm1nd", EVIL, { id: 61, in_reply_to: 60, state: "held", reason: EVIL }),
      aMessage("system", "hm1nd", JSON.stringify({ event: EVIL, agent: EVIL }), { id: 62, state: "queued" }),
    ],
  });
  return new FixtureHive(state, {
    changes: () => ({ changes: [{ ...change, id: 11, state: "merged", decided_by: EVIL }] }),
    change: ({ change: id }) => ({
      change: { ...change, id },
      base_sha: BASE,
      files: [
        {
          path: EVIL,
          status: "modified",
          binary: false,
          added: 1,
          removed: 1,
          cut: true,
          patch: `@@ -1 +1 @@ ${EVIL}\n-${EVIL}\n+${EVIL} more\n`,
        },
      ],
      comments: [
        aComment({ path: EVIL, line: 1, side: "new", author: NAME, text: EVIL, quote: EVIL, answer: EVIL }),
        aComment({ path: EVIL, line: 7, side: "old", author: EVIL, text: EVIL, quote: EVIL, outdated: true }),
        aComment({ path: `${EVIL}2`, line: 1, side: "new", author: NAME, text: EVIL, quote: EVIL }),
        aComment({ author: NAME, text: EVIL }),
      ],
    }),
    repo: () => ({ repo: aRepo("web"), branches: [{ agent: NAME, branch: EVIL, sha: SHA }] }),
    change_log: ({ after }) => (after === undefined ? { lines: [EVIL], position: 1 } : new Promise(() => {})),
    show: () => ({
      approval,
      base_sha: BASE,
      files: [
        {
          path: EVIL,
          old_path: `${EVIL}2`,
          status: "renamed",
          old_mode: EVIL,
          new_mode: "120000",
          binary: false,
          added: 1,
          removed: 1,
          cut: false,
          patch: `@@ -1 +1 @@ ${EVIL}\n-${EVIL}\n+${EVIL} more\n`,
        },
      ],
      cut: false,
    }),
    approvals: () => ({
      approvals: [
        anApproval({ id: 9, agent: NAME, state: "failed", error: EVIL, description: EVIL, tag: EVIL, resolved_by: EVIL }),
      ],
    }),
    deploys: () => ({
      deploys: [{ id: 9, state: "failed", at: ago(9), origin: "request", by: EVIL, description: EVIL, error: EVIL, runs: false }],
    }),
    tombstones: () => ({ agents: [{ name: "gone", destroyed_at: ago(400_000), bytes: 9e15 }] }),
    statistics: () => statistics(),
    meta: () => ({ inputs: [{ name: EVIL, rev: EVIL, rebuilds: [EVIL] }] }),
    turns: () => ({
      turns: [
        { turn: 1, from: EVIL, started_at: ago(9), ended_at: ago(8), result: "failed", reason: EVIL, duration_ms: 1, tokens: 1 },
      ],
    }),
    usage: () => {
      const figures = { requests: 2, tokens: { input: 1, output: 2, cache_read: 3, cache_write: 4 }, cost_usd: 1, unpriced: 1 };
      return {
        rows: [{ day: "2026-11-24", agent: NAME, model: EVIL, credential: EVIL, ...figures }],
        time_zone: EVIL,
        total: figures,
        more: false,
      };
    },
    change_usage: () => ({
      since: "2026-11-24",
      until: "2026-11-24",
      time_zone: EVIL,
      rows: [{ change: 1, repo: EVIL, title: EVIL, agent: EVIL, state: "merged", turns: 1, tokens: 1, cost_usd: 1, unpriced: 1 }],
      more: true,
    }),
    loops: () => ({
      loops: [
        {
          chain: 1,
          agents: [EVIL, NAME, EVIL],
          rounds: 9,
          cost_usd: 1,
          unpriced: 1,
          output_tokens: 9e12,
          last_at: ago(9),
          held: true,
        },
      ],
      limit: { usd: 1, output_tokens: 100_000 },
    }),
    usage_sums: () => {
      const figures = { requests: 2, tokens: { input: 1, output: 2, cache_read: 3, cache_write: 4 }, cost_usd: 1, unpriced: 1 };
      const row = { day: "2026-11-24", agent: NAME, model: EVIL, credential: EVIL, ...figures };
      return { since: "2026-11-24", until: "2026-11-24", time_zone: EVIL, rows: [row], total: figures, more: true };
    },
    egress: () => ({ connections: [{ id: 1, at: ago(9), host: EVIL, port: 1, verdict: EVIL, bytes_in: 0, bytes_out: 0 }] }),
    logs: ({ after }) => (after === undefined ? { lines: [EVIL], position: 1 } : new Promise(() => {})),
    config: () => ({
      files: [
        { path: "agent.json", text: EVIL },
        { path: EVIL, text: EVIL },
      ],
    }),
    search: () => ({ messages: [aMessage(NAME, "hm1nd", EVIL, { id: 60 })], indexing: false }),
    turn_events: () => ({
      more: false,
      events: events("hm1nd", [
        { type: "turn_start", turn: 1, message_id: 1, from: EVIL, body: EVIL, unread: 1, redelivered: true },
        { type: "session", session_id: EVIL, model: EVIL, mcp: { [EVIL]: EVIL } },
        { type: "thinking", text: EVIL, ms: 5 },
        {
          type: "text",
          text: `# ${EVIL}\n- ${EVIL}\n> ${EVIL}\n**${EVIL}**\n\`\`\`${EVIL}\n\`\`\`html\n${EVIL}\n\`\`\`\n\`${EVIL}\``,
        },
        ...[
          "Bash",
          "Read",
          "Edit",
          "MultiEdit",
          "Write",
          "Grep",
          "TodoWrite",
          "mcp__hive__send",
          "mcp__hive__ask_operator",
          "mcp__hive__set_status",
          "mcp__hive__recv",
          EVIL,
        ].flatMap((name, n) => [
          {
            type: "tool_use" as const,
            id: `t${n}`,
            name,
            input: {
              command: EVIL,
              file_path: EVIL,
              pattern: EVIL,
              path: EVIL,
              old_string: EVIL,
              new_string: `${EVIL}.`,
              content: EVIL,
              to: EVIL,
              body: EVIL,
              question: EVIL,
              options: [EVIL],
              text: EVIL,
              wait: EVIL,
              todos: [EVIL],
              edits: [{ old_string: EVIL, new_string: "" }],
            },
          },
          { type: "tool_result" as const, id: `t${n}`, text: `${EVIL}\n${EVIL}`, is_error: n % 2 === 0, cut_from: 9 },
        ]),
        { type: "note", level: "error", text: EVIL },
        {
          type: "turn_end",
          turn: 1,
          ok: false,
          result: "failed",
          reason: EVIL,
          duration_ms: 5,
          tokens: { input: 1, output: 1, cache_read: 0, cache_write: 0 },
        },
      ]),
    }),
  });
}

/** The same rows, but every call is refused with a text that quotes the hostile text. */
export function refusingHive(): FixtureHive {
  const refuse = (): never => {
    throw new HiveError("conflict", `refused: ${EVIL}`);
  };
  const answers = Object.fromEntries((Object.keys(operations) as OperationName[]).map((name) => [name, refuse]));
  return new FixtureHive(hostileHive().state, answers);
}

/** An agent's own port: the same app, with a state that has only this agent. */
export function hostilePort(name: string): FixtureHive {
  const { state, answers } = hostileHive();
  return new FixtureHive({ ...state, agents: state.agents.filter((agent) => agent.name === name) }, answers);
}
