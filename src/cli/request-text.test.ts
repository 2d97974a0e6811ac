import { describe, expect, test } from "vitest";
import type { ApprovalView, DiffFile } from "../wire/approval.ts";
import { editLines, patchLines } from "./diff-lines.ts";
import { painter, width } from "./print.ts";
import { requestTable, requestText } from "./request-text.ts";

const now = Date.parse("2026-01-01T00:10:00Z");
const view = { paint: painter(false), width: 80, now };
const request: ApprovalView = {
  id: 12,
  seq: 900,
  agent: "scout",
  kind: "apply_commit",
  origin: "request",
  state: "pending",
  requested_by: "hm1nd",
  description: "may reach\u202E arxiv",
  sha: "3f2a91c04d1e".padEnd(40, "0"),
  base_sha: "9876543210ab".padEnd(40, "0"),
  digest: "0".repeat(64),
  requested_at: "2026-01-01T00:07:00Z",
  risks: [
    { level: "info", kind: "model", text: "another model: haiku" },
    { level: "danger", kind: "egress", text: "new egress host: arxiv.org", path: "agent.json" },
  ],
  stat: { files: 2, added: 3, removed: 1 },
};
const file: DiffFile = {
  path: "agent.json",
  status: "modified",
  old_mode: "100644",
  new_mode: "100755",
  binary: false,
  added: 2,
  removed: 1,
  patch: '@@ -1,2 +1,3 @@\n {\n-  "egress": []\n+  "egress": ["arxiv.org"],\n+  "x": "\u200B"\n',
  cut: false,
};

describe("a request", () => {
  const text = requestText({ approval: request, base_sha: request.base_sha, files: [file], cut: false }, view);

  test("shows agent, description and full commit, and the worst risk first", () => {
    expect(text).toMatch(
      /^#12 config change of scout {2}pending\nrequest of hm1nd, 3m ago\ncommit {2}3f2a91c04d1e0{28} {2}against 9876543210ab/,
    );
    expect(text.indexOf("!! new egress host: arxiv.org  agent.json")).toBeGreaterThan(0);
    expect(text.indexOf("!! new egress")).toBeLessThan(text.indexOf(" · another model"));
  });

  test("shows hidden characters in the description and in the diff", () => {
    expect(text).toContain("may reach⟨U+202E⟩ arxiv");
    expect(text).toContain('+  "x": "⟨U+200B⟩"');
    expect(text).not.toMatch(/[\u202E\u200B]/);
  });

  test("shows modes, binaries, links and truncation", () => {
    expect(text).toContain("plain file → executable");
    const odd: DiffFile = { path: "run", status: "added", new_mode: "120000", binary: true, added: 0, removed: 0, cut: true };
    const other = requestText({ approval: request, files: [odd], cut: true }, view);
    for (const words of [
      "all of it is new",
      "symbolic link",
      "not text: it is not shown",
      "too long to be shown whole",
      "--unshown <path>:\n  run",
    ])
      expect(other).toContain(words);
  });

  test("wraps its text and keeps long paths whole", () => {
    const path = `skills/${"very-".repeat(12)}long/SKILL.md`;
    const given = { ...request, description: "may reach what it wants to reach, and to say so in many words", risks: [] };
    const narrow = requestText(
      { approval: given, base_sha: request.base_sha, files: [{ ...file, path }], cut: false },
      { ...view, width: 60 },
    );
    expect(narrow).toContain("\n  may reach what it wants to reach, and to say so in many\n  words\n");
    expect(narrow).toMatch(/\ncommit {2}3f2a91c04d1e0{28} {2}against\n {8}9876543210ab\n/);
    expect(narrow).toContain(`\n── modified ${"─".repeat(39)} +2 -1 ──\n   ${path}\n`);
    expect(narrow).not.toContain("…");
  });

  test("shows a file with very many lines whole", () => {
    // More than a call takes as arguments.
    const lines = 200_000;
    const patch = `@@ -1,${lines} +1,${lines} @@\n${"-\n".repeat(lines)}${"+\n".repeat(lines)}`;
    for (const paint of [painter(false), painter(true)]) {
      const large: DiffFile = { ...file, path: "A-notes.txt", added: lines, removed: lines, patch };
      const shown = requestText({ approval: request, files: [large], cut: false }, { ...view, paint });
      expect(shown.split("\n").length).toBeGreaterThan(2 * lines);
    }
  });

  test("is one row that fits the table", () => {
    for (const columns of [40, 60, 80, 120]) {
      const rows = requestTable([request, { ...request, id: 13, state: "failed", error: "x".repeat(200) }], {
        ...view,
        width: columns,
      });
      for (const line of rows.split("\n")) expect(width(line)).toBeLessThanOrEqual(columns);
      expect(rows).toMatch(/12 +scout/);
    }
    expect(requestTable([request], { ...view, width: 120 })).toContain("1 risk");
  });
});

describe("a diff", () => {
  const paint = painter(true);

  test("marks the words that differ, in pairs of lines", () => {
    const [head, removed, added] = patchLines("@@ -1 +1 @@\n-the quick fox jumps\n+the slow fox jumps\n", paint);
    expect(head).toBe("\u001B[36m@@ -1 +1 @@\u001B[0m");
    expect(removed).toContain("\u001B[31;1;7mquick\u001B[0m");
    expect(added).toContain("\u001B[32;1;7mslow\u001B[0m");
  });

  test("marks nothing if nothing is the same, and hidden characters always", () => {
    const lines = patchLines("-alpha\n+omega\u202E!\n", paint).join("\n");
    expect(lines).not.toContain(";1;7m");
    expect(lines).toContain("\u001B[31;7m⟨U+202E⟩\u001B[0m");
  });

  test("prints all old and all new lines of an edit in which everything differs", () => {
    const text = (word: string): string => Array.from({ length: 20_000 }, (_, n) => `${word} ${n}\n`).join("");
    const lines = editLines(text("old"), text("new"), painter(true));
    expect(lines).toHaveLength(40_000);
    expect([lines[0], lines[20_000]].map((line) => line?.replaceAll(/\u001B\[[\d;]*m/g, ""))).toEqual(["-old 0", "+new 0"]);
  });

  test("prints an edit as a diff", () => {
    expect(editLines("a\nb\nc\n", "a\nB\nc\n", painter(false))).toEqual([" a", "-b", "+B", " c"]);
    expect(editLines("", "new\nfile\n", painter(false))).toEqual(["+new", "+file"]);
  });
});
