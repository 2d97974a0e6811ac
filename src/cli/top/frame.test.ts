import { describe, expect, test } from "vitest";
import { aChange, aMessage, anApproval, diffFiles } from "../../../test/lib/fixtures.ts";
import type { AgentView, QuestionView } from "../../wire/agent.ts";
import type { ApprovalView } from "../../wire/approval.ts";
import type { MessageView } from "../../wire/message.ts";
import type { StateSnapshot } from "../../wire/event.ts";
import { statusText } from "../agent-text.ts";
import { painter, width } from "../print.ts";
import { topFrame } from "./frame.ts";
import { itemsOf, take } from "./model.ts";
import { paneFrame } from "./panes.ts";

const at = "2026-01-01T00:00:00.000Z";
const agent = (name: string, more: Partial<AgentView> = {}): AgentView => ({
  id: name,
  name,
  role: "agent",
  state: "idle",
  state_since: at,
  running: true,
  asleep: false,
  failed: false,
  paused: false,
  needs_login: false,
  needs_update: false,
  destroyed: false,
  unread: 0,
  tokens_today: 0,
  cost_today_usd: 0,
  unpriced_today: 0,
  created_at: at,
  url: "http://127.0.0.1:7000/agent/x",
  warnings: [],
  ...more,
});
function snapshot(agents: AgentView[]): StateSnapshot {
  const hive = {
    id: "x",
    version: "1",
    hivectl: "npx hivectl",
    revision: "r",
    mode: "rehearsal" as const,
    upstream: "",
    scenarios: [],
    credential: { source: "none" as const },
    started_at: at,
    tokens_today: 1234,
    cost_today_usd: 0.5,
    unpriced_today: 0,
    operator_unread: 2,
    read_up_to: 0,
    ledger: "/meta",
    banners: [{ level: "warn" as const, text: "a warning that is rather long for a small terminal" }],
  };
  const message = (id: number) => ({
    id,
    seq: id,
    from: "ada",
    to: "operator",
    body: `text ${id} 日本語`,
    chain: id,
    hops: 0,
    state: "done" as const,
    redelivered: false,
    failures: 0,
    created_at: at,
    updated_at: at,
  });
  return {
    seq: 1,
    you: { name: "operator", role: "admin" },
    hive,
    agents,
    questions: [],
    repos: [],
    changes: [],
    approvals: [],
    stuck: [],
    messages: Array.from({ length: 40 }, (_, n) => message(n + 1)),
  };
}
const screen = (rows: number, columns: number) => ({
  rows,
  columns,
  now: Date.parse(at) + 61_000,
  paint: painter(false),
});
const request = (id: number, more: Partial<ApprovalView> = {}): ApprovalView =>
  anApproval({ id, agent: "ada", state: "pending", ...more });
const question = (id: number): QuestionView => ({
  id,
  seq: 1,
  agent: "ada",
  question: "which of the two",
  options: [],
  multi: false,
  state: "open",
  asked_at: at,
});

describe("top", () => {
  const many = snapshot(
    Array.from({ length: 30 }, (_, n) => agent(`agent-${n}`, { unread: n, status_text: "works on something long" })),
  );

  test.each([
    [24, 80],
    [30, 120],
    [60, 200],
    [10, 40],
    [5, 24],
    [2, 20],
    [1, 10],
  ])("fills %i rows of %i columns and never exceeds them", (rows, columns) => {
    const state = { ...many, approvals: [request(12), request(13)], questions: [question(17)] };
    const items = itemsOf(state);
    for (const item of [0, 15, 30, 32].flatMap((nth) => items[nth] ?? [])) {
      const ui = { selected: item.key };
      const panes = [
        undefined,
        { kind: "help", skip: 0 },
        { kind: "item", item, skip: 0 },
        { kind: "words", title: "PAGE", words: "http://127.0.0.1:7000/agent/a-long-name".repeat(3), skip: 0 },
        { kind: "type", to: { kind: "answer", question: question(17) }, text: "a long 🐝 answer ".repeat(20), skip: 0 },
        { kind: "type", to: { kind: "deny", request: request(12) }, text: "no", problem: "it was refused", skip: 0 },
        { kind: "ask", words: "stop ada?", yes: { do: "quit" }, skip: 99 },
        { kind: "approve", request: request(12), isRead: false, skip: 99 },
        {
          kind: "approve",
          request: request(12),
          shown: { approval: request(12), files: diffFiles(), cut: false },
          isRead: false,
          skip: 0,
        },
      ] as const;
      for (const pane of panes) {
        const lines = pane
          ? paneFrame(pane, state, screen(rows, columns)).lines
          : topFrame({ state, isLive: false }, ui, screen(rows, columns));
        expect(lines.length).toBe(rows);
        for (const line of lines) expect(width(line), line).toBeLessThanOrEqual(columns);
        // The selected row is visible if the screen has room for a list.
        if (!pane && rows >= 7 && columns >= 40) expect(lines.filter((line) => line.startsWith("▸ "))).toHaveLength(1);
      }
    }
  });

  test("shows the agents, what waits, the cost, and a lost connection", () => {
    const text = topFrame({ state: snapshot([agent("ada", { state: "thinking" })]), isLive: false }, {}, screen(24, 100)).join(
      "\n",
    );
    for (const words of [
      "◆ HYPERHIVE  rehearsal",
      "$0.50 and 1.2k tok today",
      "2 unread messages",
      "reconnecting",
      "◆ FLOW",
      "text 40",
    ])
      expect(text).toContain(words);
    expect(text).toMatch(/ada +thinking +1m/);
  });

  test("shows an agent's branch and lines as text, in the list and in its pane", () => {
    const work = [
      { repo: "docs", branch: "main", added: 0, removed: 0 },
      { repo: "web", branch: `\u001B[31mred/${"x".repeat(200)}`, added: 12, removed: 3 },
    ];
    const state = snapshot([agent("ada", { work }), agent("bob", { work: [{ repo: "web", added: 0, removed: 0 }] })]);
    const text = topFrame({ state, isLive: true }, {}, screen(24, 160)).join("\n");
    expect(text).toMatch(/ada .*red\/x+… \+12 -3/);
    expect(text).toMatch(/bob .* no branch/);
    expect(text).not.toContain("\u001B");
    const item = itemsOf(state)[0] ?? expect.unreachable("there is no agent");
    const pane = paneFrame({ kind: "item", item, skip: 0 }, state, screen(24, 120)).lines.join("\n");
    expect(pane).toMatch(/work +docs: main\nwork +web: .* \+12 -3/);
  });

  test("has a line for the changes that wait, and follows their events", () => {
    const state: StateSnapshot = { ...snapshot([agent("ada")]), changes: [aChange({ id: 3 })] };
    const head = (): string => topFrame({ state, isLive: true }, {}, screen(24, 100)).slice(0, 4).join("\n");
    expect(head()).toContain("◆ 1 change waits: `npx hivectl change list`");
    take(state, { kind: "change", seq: 2, change: aChange({ id: 4 }) });
    expect(head()).toContain("◆ 2 changes wait: ");
    take(state, { kind: "change", seq: 3, change: aChange({ id: 3, state: "merged" }) });
    take(state, { kind: "change", seq: 4, change: aChange({ id: 4, state: "queued" }) });
    expect(head()).not.toContain("change");
    expect(state.changes.map(({ id }) => id)).toEqual([4]);
  });

  test("lists failed agents first, keeps the selected row visible, and counts hidden rows in the foot", () => {
    const state = snapshot([agent("ada"), agent("zoe", { state: "failed" }), agent("hm1nd", { role: "manager" })]);
    const lines = (selected: string) => topFrame({ state, isLive: true }, { selected: `agent ${selected}` }, screen(7, 80));
    const shown = (selected: string) =>
      lines(selected)
        .find((one) => one.startsWith("▸ "))
        ?.split(/ +/)[1];
    expect(["zoe", "hm1nd", "ada", "gone"].map(shown)).toEqual(["zoe", "hm1nd", "ada", "zoe"]);
    expect(["zoe", "hm1nd", "ada"].map((one) => lines(one).at(-1)?.split("   ")[0])).toEqual([
      "2 below",
      "1 above, 1 below",
      "2 above",
    ]);
  });

  test("ends cut text with … at every width", () => {
    const state = snapshot([agent("ada")]);
    state.questions = [question(1)];
    for (let columns = 24; columns < 60; columns++) {
      const lines = topFrame({ state, isLive: true }, {}, screen(40, columns));
      expect(lines.find((one) => one.includes("?1"))).toMatch(/ada 1m which of the two$|…$/);
      expect(lines.find((one) => one.includes("→"))).toMatch(/日本語$|…$/);
    }
  });

  test("applies events: an agent that changes, a question that closes, a message once", () => {
    const state = snapshot([agent("ada")]);
    take(state, { kind: "agent", agent: agent("ada", { state: "thinking" }) });
    take(state, { kind: "agent", agent: agent("bob") });
    expect(state.agents.map((one) => [one.name, one.state])).toEqual([
      ["ada", "thinking"],
      ["bob", "idle"],
    ]);
    take(state, { kind: "question", seq: 1, question: question(1) });
    expect(state.questions).toHaveLength(1);
    take(state, { kind: "question", seq: 2, question: { ...question(1), state: "answered" } });
    expect(state.questions).toHaveLength(0);
    const [first] = state.messages;
    if (first) take(state, { kind: "message", seq: 99, message: { ...first, state: "dead" } });
    expect(state.messages.filter((one) => one.id === first?.id)).toMatchObject([{ state: "dead" }]);
  });
});

test("the question whether to approve has the whole diff, and asks only at its end", () => {
  const shown = { approval: request(12), files: diffFiles(), cut: false };
  const pane = { kind: "approve", request: request(12), shown, isRead: false, skip: 0 } as const;
  const draw = (rows: number, skip: number) => paneFrame({ ...pane, skip }, snapshot([agent("ada")]), screen(rows, 80));
  const first = draw(12, 0);
  expect(first.below).toBeGreaterThan(10);
  expect(first.lines.at(-1)).toMatch(/^\d+ below .*read to the end, then y approves/);
  const last = draw(12, 99);
  expect(last.below).toBe(0);
  expect(last.lines.join("\n")).toContain("+await server.connect(new StdioServerTransport());");
  expect(last.lines.at(-1)).toBe("approve #12? y: yes, any other key: no");
  expect(draw(60, 0).lines.at(-1)).toBe("approve #12? y: yes, any other key: no");
});

test("`hivectl status` prints a whole warning, with no line wider than the terminal", () => {
  const text = statusText(snapshot([agent("ada")]), { paint: painter(false), width: 40, now: Date.parse(at) });
  expect(text).toContain("a warning that is rather long for a\nsmall terminal\n");
  for (const line of text.split("\n")) expect(width(line)).toBeLessThanOrEqual(40);
});

test("a message that is held or dead waits for the operator until it is moved", () => {
  const state = snapshot([agent("ada")]);
  const stuck = (id: number, held: MessageView["state"]) =>
    take(state, { kind: "message", seq: id, message: aMessage("ada", "bob", "again", { id, state: held }) });
  const view = { now: Date.parse(at), width: 100, paint: painter(false) };
  stuck(91, "held");
  stuck(92, "dead");
  expect(statusText(state, view)).toContain("waits for you: 2 stuck messages, 2 unread messages");
  stuck(91, "queued");
  stuck(93, "done");
  expect(statusText(state, view)).toContain("waits for you: 1 stuck message,");
});
