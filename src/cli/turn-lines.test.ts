import { describe, expect, test } from "vitest";
import { readable } from "../wire/unseen.ts";
import type { StoredTurnEvent, TurnEvent } from "../wire/event.ts";
import { painter, width } from "./print.ts";
import { TurnLines } from "./turn-lines.ts";

const at = "2026-01-01T00:00:00.000Z";
const tokens = { input: 1000, output: 200, cache_read: 0, cache_write: 34 };
function lines(columns: number, ...events: TurnEvent[]): string[] {
  const look = new TurnLines({ paint: painter(false), width: columns });
  return events.map((event, seq) => look.of({ seq, agent: "ada", at, event } satisfies StoredTurnEvent));
}

describe("a turn in the terminal", () => {
  test("begins and ends with a rule", () => {
    const [start, end] = lines(
      60,
      { type: "turn_start", turn: 7, message_id: 1, from: "hm1nd", body: "do\nit", unread: 2, redelivered: true },
      { type: "turn_end", turn: 7, ok: true, result: "ok", reason: "done", duration_ms: 14_000, tokens, cost_usd: 0.021 },
    );
    expect(start).toMatch(/^── turn 7 · \d\d:\d\d:\d\d · from hm1nd · delivered again · 2 mor…\n→ hm1nd do\n {2}it$/);
    expect(end).toMatch(/^── ended \d\d:\d\d:\d\d · 14s · 1\.2k tok · \$0\.02 · ok ─+$/);
  });

  test("puts events of the daemon into words", () => {
    const body = '{"event":"rebuilt","agent":"scout","sha":"53500ea589b670f82987206b5ec886cc15f7ffe1","request":7}';
    const [start] = lines(60, {
      type: "turn_start",
      turn: 7,
      message_id: 1,
      from: "system",
      body,
      unread: 0,
      redelivered: false,
    });
    expect(start?.split("\n")[1]).toBe("→ system scout runs 53500ea589b6 · request 7");
  });

  test("prints each tool on one line, cut to the terminal", () => {
    const use = (name: string, input: unknown): TurnEvent => ({ type: "tool_use", id: name, name, input });
    const shown = lines(
      40,
      use("Bash", { command: `echo ${"x".repeat(100)}` }),
      use("mcp__hive__send", { to: "ada", body: "hi" }),
      use("mcp__files__read", { path: "/x" }),
      use("mcp__hive__restart", { name: "ada" }),
      use("mcp__hive__request_spawn", { name: "bob", description: "looks" }),
      use("Grep", { pattern: "TOKEN", path: "src" }),
    );
    expect(shown[0]).toMatch(/^◇ Bash \$ echo x+…$/);
    expect(width(shown[0] ?? "")).toBe(40);
    expect(shown.slice(1)).toEqual([
      "✉ send → ada: hi",
      '◇ files · read {"path":"/x"}',
      "◇ restart ada",
      "◇ request_spawn bob · looks",
      "◇ Grep TOKEN in src",
    ]);
  });

  test("prints an edit as a diff, folds a long result, and prints an error", () => {
    const [edit, ok, bash, result] = lines(
      80,
      { type: "tool_use", id: "1", name: "Edit", input: { file_path: "a.ts", old_string: "one\n", new_string: "two\n" } },
      { type: "tool_result", id: "1", text: "The file was changed", is_error: false },
      { type: "tool_use", id: "2", name: "Bash", input: { command: "ls" } },
      { type: "tool_result", id: "2", text: "1\n2\n3\n4\n5\n6\n7", is_error: false },
    );
    expect(edit).toBe("◇ Edit a.ts\n    -one\n    +two");
    expect(ok).toBe("    The file was changed");
    expect(bash).toBe("◇ Bash $ ls");
    expect(result).toBe("    1\n    2\n    3\n    4\n    … 3 more lines");
  });

  test("wraps text between words, with a hanging indent", () => {
    const [start, text] = lines(
      20,
      {
        type: "turn_start",
        turn: 1,
        message_id: 1,
        from: "ada",
        body: "look at all of it\n- and at this one too",
        unread: 0,
        redelivered: false,
      },
      { type: "text", text: "I have looked at all of it." },
    );
    expect(start?.split("\n").slice(1)).toEqual(["→ ada look at all of", "  it", "  - and at this one", "    too"]);
    expect(text).toBe("  I have looked at\n  all of it.");
  });

  test("never lets an agent's text steer the terminal", () => {
    const evil = "\u001B]52;c;x\u0007\u001B[2J\u202E!";
    const shown = lines(
      80,
      { type: "turn_start", turn: 1, message_id: 1, from: evil, body: evil, unread: 0, redelivered: false },
      { type: "text", text: evil },
      { type: "thinking", text: evil },
      { type: "tool_use", id: "1", name: evil, input: { [evil]: evil } },
      { type: "tool_use", id: "2", name: "Write", input: { file_path: evil, content: evil } },
      { type: "tool_result", id: "3", text: evil, is_error: true },
      { type: "note", level: "error", text: evil },
      { type: "session", session_id: "x", model: "m", mcp: { [evil]: evil } },
      { type: "turn_end", turn: 1, ok: false, result: "failed", reason: evil, duration_ms: 1, tokens },
    );
    for (const text of shown) expect(text).not.toMatch(/[\u001B\u0007\u202E]/);
    // Output of a program loses its escape sequences. Text of an agent is shown as on the page.
    expect(shown[1]).toContain(readable(evil));
    expect(shown[5]).not.toContain("␛");
  });
});
