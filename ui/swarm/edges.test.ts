import { expect, test } from "vitest";
import type { AgentView } from "../../src/wire/agent.ts";
import type { MessageView } from "../../src/wire/message.ts";
import { edgesOf, pairsOf, troubles, waitingSince } from "./edges.ts";

const message = (from: string, to: string, at: string, state: MessageView["state"] = "done"): MessageView =>
  ({ from, to, created_at: at, state }) as MessageView;

test("messages become edges: counted by direction, the newest pair first, old ones left out", () => {
  const since = Date.parse("2026-01-01T10:00:00Z");
  const edges = edgesOf(
    [
      message("ada", "bob", "2026-01-01T09:00:00Z"),
      message("ada", "bob", "2026-01-01T10:01:00Z"),
      message("bob", "ada", "2026-01-01T10:02:00Z", "queued"),
      message("ada/cron", "bob", "2026-01-01T10:03:00Z"),
      message("ada/cron", "ada", "2026-01-01T10:04:00Z"),
    ],
    since,
  );
  expect(edges.map(({ from, to, count, waiting }) => [from, to, count, waiting])).toEqual([
    ["ada", "bob", 2, 0],
    ["bob", "ada", 1, 1],
  ]);
});

test("stuck and waiting agents are listed with the reason, others are not", () => {
  const now = Date.parse("2026-01-01T10:00:00Z");
  const agent = (name: string, extra: Partial<AgentView>): AgentView =>
    ({ name, state: "idle", unread: 0, ...extra }) as AgentView;
  const found = troubles(
    [
      agent("well", {}),
      agent("dead", { state: "failed", state_reason: "exit 137" }),
      agent("asks", {}),
      agent("long", { state: "thinking", turn_started_at: "2026-01-01T09:40:00Z" }),
      agent("busy", { state: "thinking", turn_started_at: "2026-01-01T09:59:00Z" }),
      agent("full", { unread: 9 }),
      agent("off", { state: "paused", unread: 2 }),
      agent("again", { resumes_at: "2026-01-01T10:01:00Z", state_reason: "529 Overloaded" }),
    ],
    new Map([["asks", "2026-01-01T09:58:00Z"]]),
    waitingSince([
      message("well", "off", "2026-01-01T09:30:00Z", "queued"),
      message("well", "off", "2026-01-01T09:20:00Z", "done"),
      message("well", "off", "2026-01-01T09:40:00Z", "queued"),
    ]),
    now,
  );
  expect(
    found.map(({ agent: { name }, words, since }) => `${name}: ${words}${since === undefined ? "" : ` since ${since}`}`),
  ).toEqual([
    "dead: exit 137",
    "asks: waits for your answer since 2026-01-01T09:58:00Z",
    "long: its turn takes long",
    "full: 9 messages wait",
    "off: paused, 2 wait since 2026-01-01T09:30:00Z",
    "again: tries again soon: 529 Overloaded",
  ]);
});

test("a message to the operator is unread until it was read, although it is delivered", () => {
  const sent = [7, 8, 9].map((id) => ({ ...message("scout", "operator", "2030-01-31T10:00:00.000Z"), id }));
  expect(edgesOf(sent, 0, 7)).toMatchObject([{ count: 3, waiting: 2 }]);
});

test("a loop has an edge from each of its agents to the next, in one direction", () => {
  const pairs = pairsOf([{ agents: ["ada", "bob", "cyd", "ada"] }, { agents: ["bob", "ada", "bob"] }]);
  expect([...pairs]).toEqual(["ada bob", "bob cyd", "cyd ada", "bob ada"]);
});
