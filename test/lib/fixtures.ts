import type { AgentView, QuestionView } from "../../src/wire/agent.ts";
import type { ApprovalView, DiffFile } from "../../src/wire/approval.ts";
import type { LoginStarted } from "../../src/wire/model-login.ts";
import type { OverBudget } from "../../src/wire/budget.ts";
import type { HiveView, StateSnapshot, StoredTurnEvent, TurnEvent } from "../../src/wire/event.ts";
import type { MessageView } from "../../src/wire/message.ts";
import type { DivergenceView } from "../../src/wire/divergence.ts";
import { DEFAULT_REPO_SETTINGS, type ChangeView, type CommentView, type RepoView } from "../../src/wire/work.ts";

/** Complete and valid made-up data of every kind. A test specifies only the fields it is about. */

/** The time of the fixtures. */
export const NOW = Date.parse("2026-03-10T12:37:00Z");
export const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();

let ids = 100;
const nextId = (): number => ++ids;

export function anAgent(name: string, extra: Partial<AgentView> = {}): AgentView {
  return {
    id: `id-${name}`,
    name,
    role: name === "hm1nd" ? "manager" : "agent",
    state: "idle",
    state_since: ago(180),
    running: true,
    asleep: false,
    failed: false,
    paused: false,
    needs_login: false,
    needs_update: false,
    destroyed: false,
    unread: 0,
    model: "haiku",
    tokens_today: 18_240,
    cost_today_usd: 0.31,
    unpriced_today: 0,
    revision: "0.1.0-abcdef",
    created_at: ago(86_400),
    url: "",
    warnings: [],
    ...extra,
  };
}

export function aMessage(from: string, to: string, body: string, extra: Partial<MessageView> = {}): MessageView {
  const id = extra.id ?? nextId();
  return {
    id,
    seq: id,
    from,
    to,
    body,
    chain: id,
    hops: 0,
    state: "done",
    redelivered: false,
    failures: 0,
    created_at: ago(300),
    updated_at: ago(300),
    ...extra,
  };
}

export function aQuestion(question: string, extra: Partial<QuestionView> = {}): QuestionView {
  const id = extra.id ?? nextId();
  return { id, seq: id, agent: "hm1nd", question, options: [], multi: false, state: "open", asked_at: ago(60), ...extra };
}

export const SHA = "1bfaf24abcde0123456789abcdef0123456789ab";
export const BASE = "77c0de91aa040123456789abcdef0123456789ab";
export const DIGEST = "d".repeat(64);

export function anApproval(extra: Partial<ApprovalView> = {}): ApprovalView {
  const id = extra.id ?? 42;
  return {
    id,
    seq: 1000 + id,
    agent: "scout",
    kind: "apply_commit",
    origin: "request",
    state: "pending",
    requested_by: "hm1nd",
    description: "give scout the crawler's MCP server and let it write to librarian",
    sha: SHA,
    base_sha: BASE,
    digest: DIGEST,
    requested_at: ago(240),
    risks: [
      { level: "danger", kind: "egress", text: "new egress host: export.arxiv.org", path: "agent.json" },
      { level: "warn", kind: "mcp_server", text: "new MCP server: crawler (runs /config/crawler.mjs)", path: "agent.json" },
      { level: "info", kind: "recipients", text: "+1 recipient: librarian", path: "agent.json" },
    ],
    stat: { files: 2, added: 14, removed: 2 },
    ...extra,
  };
}

/** The files of the request above. `extra` adds more. */
export function diffFiles(extra: Partial<DiffFile>[] = []): DiffFile[] {
  const file = (one: Partial<DiffFile>): DiffFile => ({
    path: "file",
    status: "modified",
    binary: false,
    added: 1,
    removed: 0,
    cut: false,
    ...one,
  });
  return [
    file({
      path: "agent.json",
      added: 5,
      removed: 2,
      patch: [
        "@@ -3,4 +3,7 @@",
        '   "model": "haiku",',
        '-  "allowedRecipients": ["hm1nd"],',
        '-  "extraMcpServers": {},',
        '+  "allowedRecipients": ["hm1nd", "librarian"],',
        '+  "egress": ["export.arxiv.org"],',
        '+  "extraMcpServers": {',
        '+    "crawler": { "command": "node", "args": ["/config/crawler.mjs"] }',
        "+  },",
        '   "limits": { "memory_mib": 1024, "pids": 256 }',
        "",
      ].join("\n"),
    }),
    file({
      path: "crawler.mjs",
      status: "added",
      new_mode: "100644",
      added: 9,
      patch: [
        "@@ -0,0 +1,9 @@",
        '+import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";',
        '+import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";',
        "+",
        '+const server = new McpServer({ name: "crawler", version: "1" });',
        '+server.registerTool("list", { description: "New papers of a category" }, async ({ category }) => {',
        "+  const answer = await fetch(`https://export.arxiv.org/list/${category}/new`);",
        '+  return { content: [{ type: "text", text: await answer.text() }] };',
        "+});",
        "+await server.connect(new StdioServerTransport());",
        "",
      ].join("\n"),
    }),
    ...extra.map(file),
  ];
}

export function aHive(extra: Partial<HiveView> = {}): HiveView {
  return {
    id: "fixture",
    version: "0.1.0",
    revision: "0.1.0-abcdef",
    hivectl: "npx hivectl",
    mode: "rehearsal",
    upstream: "rehearsal",
    scenarios: ["tour"],
    credential: { source: "none" },
    started_at: ago(7200),
    tokens_today: 1_240_000,
    cost_today_usd: 3.18,
    unpriced_today: 0,
    operator_unread: 0,
    read_up_to: 1_000_000,
    ledger: "/home/you/.local/state/hyperhive/meta",
    banners: [],
    ...extra,
  };
}

/** A limit of an agent that is reached. */
export function anOverBudget(agent: string, extra: Partial<OverBudget> = {}): OverBudget {
  return {
    scope: "agent",
    agent,
    limit: "cost_per_day_usd",
    used: 5.02,
    allowed: 5,
    raise: 5,
    since: ago(600),
    resets_at: ago(-7200),
    midnight: ago(-7200),
    ...extra,
  };
}

export function aState(extra: Partial<StateSnapshot> = {}): StateSnapshot {
  return {
    seq: 5000,
    you: { name: "operator", role: "admin" },
    hive: aHive(),
    agents: [anAgent("hm1nd", { model: "sonnet" })],
    questions: [],
    repos: [],
    changes: [],
    approvals: [],
    messages: [],
    stuck: [],
    ...extra,
  };
}

/** Turn events of one agent, one second apart. */
/** This many lines of text, one event each: more than fit a window. */
export const textLines = (agent: string, count: number): StoredTurnEvent[] =>
  events(
    agent,
    Array.from({ length: count }, (_, n) => ({ type: "text" as const, text: `line ${n}` })),
  );

export function events(agent: string, list: TurnEvent[], from = 1): StoredTurnEvent[] {
  return list.map((event, n) => ({ seq: from + n, agent, at: ago(list.length - n), event }));
}

export function aRepo(name: string, extra: Partial<RepoView> = {}): RepoView {
  return {
    name,
    base: "main",
    ...DEFAULT_REPO_SETTINGS,
    check: "npm ci && npm test",
    upstream: `/home/you/src/${name}`,
    created_at: ago(864_000),
    bases: [{ name: "main", sha: BASE }],
    agents: [{ name: "scout", access: "write" }],
    bytes: 12_400_000,
    queues: [{ base: "main", state: "idle", waiting: [] }],
    pushes: [],
    ...extra,
  };
}

/** Two commits here, one there; one of ours is a merged change. */
export function aDivergence(extra: Partial<DivergenceView> = {}): DivergenceView {
  return {
    base: "main",
    ours: {
      tip: BASE,
      count: 2,
      commits: [
        { sha: BASE, subject: "Merge scout/log: One line of log for each fetch" },
        { sha: SHA, subject: "One line of log for each fetch" },
      ],
    },
    upstream: { tip: SHA, count: 1, commits: [{ sha: SHA, subject: "Name the mirror" }] },
    changes: [{ id: 11, title: "One line of log for each fetch", agent: "scout", merged_sha: BASE }],
    undone: 1,
    ...extra,
  };
}

export function aChange(extra: Partial<ChangeView> = {}): ChangeView {
  const id = extra.id ?? 12;
  return {
    id,
    seq: 2000 + id,
    repo: "web",
    agent: "scout",
    branch: "retry-fetch",
    base: "main",
    round: 1,
    state: "proposed",
    title: "Retry a fetch that timed out",
    body: "A fetch that times out is tried **three times**, with a pause that doubles.",
    sha: SHA,
    merge_base: BASE,
    digest: DIGEST,
    stat: { files: 2, added: 14, removed: 2 },
    marks: [],
    proposed_at: ago(900),
    updated_at: ago(600),
    comments: { draft: 0, open: 0, resolved: 0 },
    has_log: false,
    ...extra,
  };
}

export function aComment(extra: Partial<CommentView> = {}): CommentView {
  return {
    id: nextId(),
    change: 12,
    round: 1,
    author: "operator",
    text: "Why three?",
    state: "open",
    outdated: false,
    at: ago(300),
    ...extra,
  };
}

/** A log-in to the model that waits for its code. */
export function aLogin(extra: Partial<LoginStarted> = {}): LoginStarted {
  return {
    login: "c0ffee",
    url: "https://claude.ai/oauth/authorize?IsE5vfAgQIfe0GVi0Y4Lx70j4aEj_9LQ9bCQV0QPeRaQ",
    expires_at: new Date(NOW + 600_000).toISOString(),
    ...extra,
  };
}
