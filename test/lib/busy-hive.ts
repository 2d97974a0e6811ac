import type { Input, Output } from "../../src/wire/operations.ts";
import type { StateSnapshot, StoredTurnEvent } from "../../src/wire/event.ts";
import { aHive, aMessage, anAgent, anApproval, aQuestion, ago, aState, BASE, diffFiles, events, SHA } from "./fixtures.ts";
import { FixtureHive } from "./fixture-hive.ts";

/** The hive of the design pictures: five agents, two requests, a question, some messages. */

export function busyState(): StateSnapshot {
  return aState({
    hive: aHive({ operator_unread: 1, read_up_to: 13 }),
    agents: [
      anAgent("hm1nd", {
        state: "thinking",
        model: "sonnet",
        turn: 119,
        turn_started_at: ago(14),
        status_text: "reading scout's proposal, writing the review",
        last_turn: { turn: 118, result: "ok", reason: "completed", duration_ms: 41_000, ended_at: ago(60) },
        unread: 2,
        cost_today_usd: 0.92,
        unpriced_today: 0,
        deployed_sha: "a41f09c2be11",
      }),
      anAgent("scout", {
        status_text: "waiting for hm1nd's review of the crawler plan",
        last_turn: { turn: 12, result: "ok", reason: "completed", duration_ms: 72_000, ended_at: ago(180) },
        deployed_sha: BASE.slice(0, 12),
        needs_update: true,
        work: [{ repo: "web", branch: "retry-fetch", added: 12, removed: 3 }],
        context_tokens: 41_000,
        context_window: 200_000,
      }),
      anAgent("forge-keeper", {
        state: "rate_limited",
        model: "opus",
        resumes_at: ago(-180),
        state_reason: "released first when the limit lifts",
        last_turn: { turn: 3, result: "ok", reason: "completed", duration_ms: 182_000, ended_at: ago(600) },
        unread: 4,
        cost_today_usd: 1.77,
        unpriced_today: 0,
        deployed_sha: "0b19f3d0c7aa",
      }),
      anAgent("librarian", {
        state: "paused",
        paused: true,
        state_since: ago(7300),
        unread: 1,
        work: [{ repo: "notes", branch: "index-of-everything-that-scout-has-found", added: 1204, removed: 0 }],
        cost_today_usd: 0,
        unpriced_today: 14,
        tokens_today: 0,
        deployed_sha: "c2217ef0d9b3",
      }),
      anAgent("night-watch", {
        state: "failed",
        failed: true,
        running: false,
        state_reason: "exit 137: over its memory limit (1 GiB); parked after 5 crashes",
        cost_today_usd: 0.02,
        unpriced_today: 0,
        deployed_sha: "c2217ef0d9b3",
      }),
      anAgent("old-timer", { destroyed: true, running: false, state: "offline" }),
    ],
    approvals: [
      anApproval(),
      anApproval({
        id: 43,
        kind: "spawn",
        agent: "translator",
        description: "turns the weekly digest into German and Polish",
        requested_at: ago(60),
        base_sha: undefined,
        risks: [],
        stat: { files: 4, added: 62, removed: 0 },
      }),
    ],
    questions: [
      aQuestion("librarian and scout both offer to own the index. Who should?", {
        id: 17,
        options: ["librarian owns it, scout sends it finds", "scout owns it", "neither: make a new agent"],
        expires_at: ago(-1080),
      }),
    ],
    messages: [
      aMessage("operator", "hm1nd", "we need the arXiv digest by Friday. who can take it?", { id: 10, created_at: ago(353) }),
      aMessage("hm1nd", "scout", "can you crawl cs.MA daily? tell me what you lack.", {
        id: 11,
        in_reply_to: 10,
        chain: 10,
        created_at: ago(316),
      }),
      aMessage("scout", "hm1nd", "yes. i lack network to export.arxiv.org and the crawler server. plan is in /state/crawl.md", {
        id: 12,
        in_reply_to: 11,
        chain: 10,
        created_at: ago(230),
      }),
      aMessage("librarian", "scout", "i can index what you find, same format?", {
        id: 13,
        state: "queued",
        created_at: ago(140),
      }),
      aMessage("hm1nd", "operator", "queued #42 for scout and #43 for a translator. reasons are on the cards.", {
        id: 14,
        in_reply_to: 10,
        chain: 10,
        created_at: ago(118),
      }),
      aMessage("forge-keeper", "hm1nd", "the mirror is 3 commits behind, shall i push?", {
        id: 15,
        state: "leased",
        created_at: ago(42),
      }),
      aMessage(
        "system",
        "hm1nd",
        '{"event":"container_crash","agent":"night-watch","reason":"exit 137: over its memory limit (1 GiB)","next":"parked"}',
        {
          id: 16,
          state: "queued",
          created_at: ago(20),
        },
      ),
    ],
  });
}

/** The tail of the design picture. */
export function scoutTail(): StoredTurnEvent[] {
  return events("scout", [
    {
      type: "turn_start",
      turn: 118,
      message_id: 11,
      from: "hm1nd",
      body: "can you crawl cs.MA daily? tell me what you lack.",
      unread: 0,
      redelivered: false,
    },
    { type: "thinking", text: "What do I have, and what does crawling need?\nLet me look at my notes first.", ms: 2100 },
    { type: "tool_use", id: "t1", name: "Read", input: { file_path: "/state/notes.md" } },
    { type: "tool_result", id: "t1", text: Array.from({ length: 84 }, (_, n) => `note ${n + 1}`).join("\n"), is_error: false },
    { type: "tool_use", id: "t2", name: "Bash", input: { command: "curl -sI https://export.arxiv.org | head -1" } },
    { type: "tool_result", id: "t2", text: "\u001B[31mHTTP/1.1 403\u001B[0m not in this agent's egress list", is_error: false },
    {
      type: "tool_use",
      id: "t3",
      name: "Edit",
      input: {
        file_path: "/state/crawl.md",
        old_string: "source: unknown\n",
        new_string: "source: export.arxiv.org (needs egress)\ncadence: daily 06:00\n",
      },
    },
    { type: "tool_result", id: "t3", text: "The file /state/crawl.md has been updated.", is_error: false },
    {
      type: "tool_use",
      id: "t4",
      name: "mcp__hive__send",
      input: { to: "hm1nd", body: "yes. i lack network to export.arxiv.org and the crawler server. plan is in /state/crawl.md" },
    },
    { type: "tool_result", id: "t4", text: '{"sent":[{"id":12}]}', is_error: false },
    {
      type: "text",
      text: "I have written the plan to `/state/crawl.md`:\n\n## Plan\n\n- **source**: export.arxiv.org\n- **cadence**: daily at 06:00\n\n```sh\ncurl -s https://export.arxiv.org/list/cs.MA/new\n```\n\nIt needs *egress* before it can run.",
    },
    {
      type: "turn_end",
      turn: 118,
      ok: true,
      result: "ok",
      reason: "completed",
      duration_ms: 72_000,
      cost_usd: 0.04,
      tokens: { input: 12_000, output: 1_200, cache_read: 5_000, cache_write: 0 },
    },
    {
      type: "turn_start",
      turn: 119,
      message_id: 20,
      from: "hm1nd",
      body: "while you wait: draft the digest's outline from memory.",
      unread: 1,
      redelivered: false,
    },
  ]);
}

function statistics(): Output<"statistics"> {
  const heights = [4, 7, 2, 9, 5, 1, 0, 0, 0, 0, 0, 0, 3, 10, 8, 12, 8, 6, 0, 1, 2, 4, 3, 1];
  const buckets = heights.map((turns, n) => ({
    at: ago((heights.length - n) * 3600),
    turns,
    failed: n === 15 ? 1 : 0,
    parked: 0,
    cancelled: n === 13 ? 1 : 0,
    interrupted: 0,
    tokens: turns * 9_500,
    cost_usd: turns * 0.012,
    unpriced: 0,
    p50_ms: turns === 0 ? 0 : 20_000 + n * 900,
    p95_ms: turns === 0 ? 0 : 60_000 + n * 4000,
  }));
  const results = { failed: 1, parked: 0, cancelled: 1, interrupted: 0 };
  return {
    total: { turns: 86, ...results, tokens: 817_000, cost_usd: 1.03, unpriced: 3, p50_ms: 38_000, p95_ms: 160_000 },
    buckets,
  };
}

function usage({ agent: wanted, before }: Input<"usage">): Output<"usage"> {
  const tokens = (n: number) => ({ input: 12_400 * n, output: 9_100 * n, cache_read: 184_000 * n, cache_write: 22_300 * n });
  const rows = ["2026-11-24", "2026-11-23", "2026-11-21"].flatMap((day, n) =>
    (wanted === undefined ? ["hm1nd", "librarian", "scout"] : [wanted]).flatMap((agent) => [
      {
        day,
        agent,
        credential: "default",
        model: "claude-haiku-4-5",
        requests: 40 - n,
        tokens: tokens(3 - n),
        cost_usd: 0.31 - n * 0.1,
        unpriced: 0,
      },
      ...(n === 1
        ? [{ day, agent, credential: "work", model: "local-model", requests: 6, tokens: tokens(1), cost_usd: 0, unpriced: 6 }]
        : []),
    ]),
  );
  const total = { requests: 1240, tokens: tokens(40), cost_usd: 12.4, unpriced: 6 };
  return { rows: before === undefined ? rows : [], time_zone: "Europe/Berlin", total, more: before === undefined };
}

function usageSums({ by, days }: Input<"usage_sums">): Output<"usage_sums"> {
  const tokens = (n: number) => ({ input: 12_400 * n, output: 9_100 * n, cache_read: 184_000 * n, cache_write: 22_300 * n });
  const until = Date.parse("2026-11-24");
  const dayAt = (n: number): string => new Date(until - n * 86_400_000).toISOString().slice(0, 10);
  const figures = (n: number, unpriced = 0) => ({ requests: 30 * n + unpriced, tokens: tokens(n), cost_usd: 0.23 * n, unpriced });
  const first = by?.[0] ?? "day";
  const rows: Output<"usage_sums">["rows"] =
    first === "day"
      ? Array.from({ length: 19 }, (_, n) => n)
          .filter((n) => n % 5 !== 3)
          .map((n) => ({ day: dayAt(n), ...figures(1 + ((n * 7) % 11)) }))
      : first === "agent"
        ? ["scout", "hm1nd", "librarian", "old-timer"].map((agent, n) => ({ agent, ...figures(40 - 9 * n, n === 2 ? 6 : 0) }))
        : first === "credential"
          ? ["default", "work"].map((credential, n) => ({ credential, ...figures(70 - 34 * n) }))
          : ["claude-haiku-4-5", "claude-opus-4-8"].map((model, n) => ({ model, ...figures(70 - 34 * n) }));
  return {
    since: dayAt((days ?? 30) - 1),
    until: dayAt(0),
    time_zone: "Europe/Berlin",
    rows,
    total: figures(106, 6),
    more: false,
  };
}

/** A hive with a lot of activity. */
export function busyHive(): FixtureHive {
  const spawnFiles = [
    { path: "INSTRUCTIONS.md", patch: "@@ -0,0 +1,2 @@\n+# translator\n+turns the weekly digest into German and Polish\n" },
    { path: "agent.json", patch: '@@ -0,0 +1,3 @@\n+{\n+  "model": "sonnet"\n+}\n' },
  ];
  return new FixtureHive(busyState(), {
    turn_events: ({ agent, before }) => ({ events: agent === "scout" && before === undefined ? scoutTail() : [], more: false }),
    show: ({ id, base }) => ({
      approval: anApproval({ id, ...(id === 43 ? { kind: "spawn", agent: "translator", risks: [], base_sha: undefined } : {}) }),
      ...(id === 43 ? {} : { base_sha: base === "parent" ? SHA : BASE }),
      files:
        id === 43
          ? spawnFiles.map((one) => ({ ...one, status: "added" as const, binary: false, added: 2, removed: 0, cut: false }))
          : diffFiles(),
      cut: false,
    }),
    statistics: () => statistics(),
    usage,
    usage_sums: usageSums,
    change_usage: () => ({
      since: "2026-10-26",
      until: "2026-11-24",
      time_zone: "Europe/Berlin",
      rows: [
        {
          change: 12,
          repo: "web",
          title: "Retry what the crawler could not fetch",
          agent: "scout",
          state: "merged",
          turns: 9,
          tokens: 1_240_000,
          cost_usd: 3.12,
          unpriced: 0,
        },
        {
          change: 13,
          repo: "notes",
          title: "An index of the digests",
          agent: "old-timer",
          state: "proposed",
          turns: 3,
          tokens: 210_000,
          cost_usd: 0.4,
          unpriced: 1,
        },
      ],
      more: false,
    }),
    loops: () => ({
      loops: [
        {
          chain: 10,
          agents: ["hm1nd", "scout", "hm1nd"],
          rounds: 4,
          cost_usd: 0.84,
          unpriced: 0,
          output_tokens: 61_200,
          last_at: ago(60),
          held: false,
        },
      ],
      limit: { usd: 1, output_tokens: 100_000 },
    }),
    turns: () => ({
      turns: Array.from({ length: 12 }, (_, n) => ({
        turn: 118 - n,
        message: 11,
        from: n % 3 === 0 ? "operator" : "hm1nd",
        started_at: ago(600 + n * 1900),
        ended_at: ago(540 + n * 1900),
        result: n === 4 ? "cancelled" : "ok",
        reason: n === 4 ? "cancelled by the operator, the message is dropped" : "completed",
        duration_ms: 72_000 / (n + 1),
        tokens: 18_200 + n * 700,
        cost_usd: 0.04 + n * 0.003,
      })),
    }),
    egress: () => ({
      connections: [
        { id: 2, at: ago(240), host: "export.arxiv.org", port: 443, verdict: "not listed", bytes_in: 0, bytes_out: 0 },
        { id: 1, at: ago(7200), host: "docs.example", port: 443, verdict: "allowed", bytes_in: 1_258_000, bytes_out: 2_100 },
      ],
    }),
    deploys: () => ({
      deploys: [
        {
          id: 38,
          state: "deployed",
          sha: BASE,
          at: ago(172_800),
          origin: "request",
          by: "operator",
          description: "the first crawler plan",
          runs: true,
        },
        {
          id: 37,
          state: "failed",
          sha: SHA,
          at: ago(173_800),
          origin: "request",
          by: "operator",
          error: "agent.json: limits.memory_mib must be at least 256",
          runs: false,
        },
        {
          id: 31,
          state: "deployed",
          sha: "5be1a02".padEnd(40, "0"),
          at: ago(259_200),
          origin: "spawn",
          by: "operator",
          runs: false,
        },
      ],
    }),
    approvals: () => ({
      approvals: [
        anApproval({
          id: 41,
          state: "denied",
          resolved_at: ago(3600),
          resolved_by: "operator",
          note: "not with write access to the shared notes",
          tag: "denied/41",
        }),
        anApproval({
          id: 37,
          state: "failed",
          resolved_at: ago(172_000),
          resolved_by: "operator",
          error: "error: agent.json: limits.memory_mib: must be at least 256\n  at agent.json:7\n",
          tag: "failed/37",
        }),
        anApproval({ id: 38, state: "deployed", resolved_at: ago(172_800), resolved_by: "operator", tag: "deployed/38" }),
      ],
    }),
    meta: () => ({
      inputs: [
        {
          name: "hyperhive",
          rev: "9f31c22".padEnd(40, "0"),
          modified_at: ago(172_800),
          rebuilds: ["hm1nd", "scout", "librarian"],
        },
        { name: "hyperhive/nixpkgs", rev: "7beb50e".padEnd(40, "0"), modified_at: ago(1_036_800), rebuilds: ["hm1nd", "scout"] },
        { name: "agent-scout/mcp-matrix", rev: "01ad9e4".padEnd(40, "0"), modified_at: ago(3_456_000), rebuilds: ["scout"] },
      ],
    }),
    tombstones: () => ({ agents: [{ name: "old-timer", destroyed_at: ago(400_000), bytes: 5_400_000 }] }),
    logs: ({ after }) =>
      after === undefined
        ? {
            lines: [
              "harness 0.1.0 starts",
              "hello: generation 3",
              "claude: warm process 41",
              "\u001B[33mwarn\u001B[0m slow tool",
            ],
            position: 100,
          }
        : new Promise(() => {}),
    config: () => ({
      files: [
        { path: "INSTRUCTIONS.md", text: "# scout\n\nlooks things up and writes short reports\n" },
        { path: "agent.json", text: '{\n  "model": "haiku",\n  "allowedRecipients": ["hm1nd"]\n}\n' },
        { path: "agent.nix", text: "{ config, pkgs, lib, ... }:\n{\n  hyperhive = lib.importJSON ./agent.json;\n}\n" },
      ],
    }),
    send: ({ to }) => ({ sent: [{ id: 99_999, to: to, state: "queued" }], duplicate: false, refused: [] }),
    search: ({ words }) => ({
      messages: busyState()
        .messages.filter((one) => one.body?.includes(words.split(" ")[0] ?? "") === true)
        .reverse(),
      indexing: false,
    }),
  });
}
