import { expect, test } from "vitest";
import type { TurnRow } from "../wire/history-operations.ts";
import { turnTable } from "./turn-table.ts";

const now = Date.parse("2030-01-31T12:00:00Z");
const at = (seconds: number): string => new Date(now - seconds * 1000).toISOString();
const plain = { now, width: Infinity, paint: (_: unknown, text: string) => text };
const turns: TurnRow[] = [
  { turn: 4, message: 1204, from: "operator", started_at: at(42) },
  {
    turn: 3,
    message: 1190,
    from: "hm1nd",
    started_at: at(7200),
    ended_at: at(7140),
    result: "interrupted",
    reason: "interrupted: the cage crashed (ended by SIGKILL); the message goes back",
    duration_ms: 60_000,
    tokens: 12_345,
    cost_usd: 0.25,
  },
  {
    turn: 2,
    from: "ada\u001b[31m",
    started_at: at(9000),
    ended_at: at(8999),
    result: "ok",
    reason: "completed",
    duration_ms: 1000,
  },
];

test("each turn is a row: a running turn counts up, a failed turn has its reason, nothing steers the terminal", () => {
  const [title = "", running = "", interrupted = "", ok = ""] = turnTable(turns, plain).split("\n");
  expect(title.split(/ {2,}/)).toEqual(["TURN", "AGE", "FROM", "MESSAGE", "RESULT", "TIME", "TOKENS", "COST", "REASON"]);
  expect(running.trim().split(/ {2,}/)).toEqual(["4", "42s", "operator", "#1204", "running", "42s"]);
  expect(interrupted).toContain("interrupted: the cage crashed (ended by SIGKILL); the message goes back");
  expect(ok).not.toContain("completed");
  expect(ok).not.toContain("\u001b");
});

test("on a narrow terminal the reason is shortened", () => {
  for (const line of turnTable(turns, { ...plain, width: 60 }).split("\n")) expect(line.length).toBeLessThanOrEqual(60);
});
