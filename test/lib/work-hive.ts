import type { DiffFile } from "../../src/wire/approval.ts";
import type { ChangeView, CommentView } from "../../src/wire/work.ts";
import { busyHive } from "./busy-hive.ts";
import type { FixtureHive } from "./fixture-hive.ts";
import { aChange, aComment, aRepo, ago, BASE, diffFiles, SHA } from "./fixtures.ts";

const MERGED = "9c41d07be2aa0123456789abcdef0123456789ab";

/** Changes in every kind of state, of two repositories. */
export function workChanges(): ChangeView[] {
  return [
    aChange({
      marks: [{ level: "danger", kind: "protected", text: "CI file", path: ".github/workflows/ci.yml" }],
      comments: { draft: 1, open: 2, resolved: 1 },
      round: 2,
      has_log: true,
      early_check: { state: "passed", onto: BASE, at: ago(500) },
    }),
    aChange({
      id: 13,
      agent: "librarian",
      branch: "index",
      title: "Keep the index in one file",
      body: "",
      state: "checking",
      has_log: true,
      decided_by: "operator",
      decided_at: ago(200),
      updated_at: ago(72),
    }),
    aChange({ id: 14, branch: "docs", title: "Say what the crawler stores", state: "queued", updated_at: ago(100) }),
    aChange({ id: 15, agent: "librarian", branch: "paths", title: "Sort paths by bytes", state: "queued", updated_at: ago(90) }),
    aChange({
      id: 16,
      branch: "timeouts",
      title: "Shorter timeouts for the mirror",
      state: "checks_failed",
      has_log: true,
      reason: "not ok 3 - a slow mirror is tried again\n  expected 3 calls, found 1\nnpm error code 1",
      decided_by: "operator",
      decided_at: ago(4000),
      updated_at: ago(3600),
    }),
    aChange({
      id: 17,
      repo: "notes",
      agent: "librarian",
      branch: "digest",
      title: "The digest of week 10",
      state: "conflict",
      reason: "digest/2026-10.md",
      conflicts_with: SHA,
      updated_at: ago(1800),
    }),
    aChange({
      id: 18,
      agent: "librarian",
      branch: "names",
      title: "One spelling of every author",
      body: "",
      state: "approved",
      decided_by: "forge-keeper",
      decided_at: ago(400),
      merges_at: ago(400 - 1800),
      updated_at: ago(400),
      stat: { files: 1, added: 4, removed: 4 },
    }),
  ];
}

/** A change in a pull request whose host does not answer just now. It is in no list. */
export function pulledChange(): ChangeView {
  return aChange({
    id: 19,
    branch: "backoff",
    title: "Ask the mirror less often",
    state: "in_pull_request",
    decided_by: "operator",
    decided_at: ago(3600),
    updated_at: ago(3500),
    pull_request: {
      state: "open",
      forge: "github",
      number: 128,
      url: "https://github.com/acme/web/pull/128",
      branch: "hive/h1/scout/backoff",
      failed: "api.github.com limits how often it is asked: the hive waits",
    },
  });
}

export function mergedChanges(): ChangeView[] {
  return [
    aChange({
      id: 11,
      branch: "log",
      title: "One line of log for each fetch",
      state: "merged",
      merged_sha: MERGED,
      decided_by: "operator",
      decided_at: ago(7300),
      updated_at: ago(7200),
    }),
    aChange({
      id: 10,
      branch: "cache",
      title: "A cache of answers",
      state: "denied",
      note: "the mirror has one",
      updated_at: ago(9000),
    }),
  ];
}

/** The comments of change 12: an open one, a draft, an outdated one, a resolved one, and one on the whole change. */
export function workComments(): CommentView[] {
  const at = { path: "agent.json", side: "new" as const };
  return [
    aComment({ id: 1, ...at, line: 5, quote: '  "egress": ["export.arxiv.org"],', text: "Is the mirror enough?" }),
    aComment({
      id: 2,
      ...at,
      line: 4,
      text: "Which of them reads it?",
      answer: "`librarian` does; it keeps the **index**.",
    }),
    aComment({ id: 3, path: "crawler.mjs", side: "new", line: 6, text: "Check the status first.", state: "draft", round: 2 }),
    aComment({
      id: 4,
      path: "crawler.mjs",
      side: "new",
      line: 3,
      quote: 'import { z } from "zod";',
      text: "Not needed.",
      outdated: true,
    }),
    aComment({ id: 5, path: "crawler.mjs", side: "new", line: 9, text: "Close it at the end.", state: "resolved" }),
    aComment({ id: 6, author: "forge-keeper", text: "It works on my branch.\n\n- built\n- tested" }),
  ];
}

/** The hive of the design pictures with two repositories and their changes. */
export function workHive(files: readonly DiffFile[] = diffFiles()): FixtureHive {
  const hive = busyHive();
  hive.state = {
    ...hive.state,
    repos: [
      aRepo("notes", {
        upstream: undefined,
        check: "",
        bases: [{ name: "main", sha: SHA }],
        agents: [{ name: "librarian", access: "write" }],
        queues: [{ base: "main", state: "paused", waiting: [] }],
      }),
      aRepo("web", {
        bases: [
          { name: "main", sha: BASE },
          { name: "release/1.x", sha: SHA },
        ],
        agents: [
          { name: "scout", access: "write" },
          { name: "librarian", access: "write" },
          { name: "forge-keeper", access: "read" },
        ],
        queues: [
          { base: "main", state: "busy", change: 13, since: ago(72), waiting: [15, 14] },
          { base: "release/1.x", state: "stopped", reason: "commits on both sides", diverged: true, waiting: [] },
        ],
        push: "after-merge",
        pushes: [
          { base: "main", state: "failed", reason: "/home/you/src/web cannot be written: hive/main is checked out there" },
        ],
      }),
    ],
    changes: workChanges(),
  };
  const byId = (id: number): ChangeView =>
    [...workChanges(), ...mergedChanges(), pulledChange()].find((one) => one.id === id) ??
    aChange({ id, title: "Another change" });
  Object.assign(hive.answers, {
    changes: () => ({ changes: [...workChanges(), ...mergedChanges()].sort((a, b) => b.id - a.id) }),
    change: ({ change }: { change: number }) => ({
      change: byId(change),
      base_sha: BASE,
      files: [...files],
      comments: change === 12 ? workComments() : [],
    }),
    repo: ({ name }: { name: string }) => ({
      repo: hive.state.repos.find((one) => one.name === name) ?? aRepo(name),
      branches: [
        { agent: "librarian", branch: "paths", sha: SHA, pushed_at: ago(120) },
        { agent: "scout", branch: "retry-fetch", sha: SHA, pushed_at: ago(640) },
        { agent: "scout", branch: "scratch/one-more-idea", sha: BASE },
      ],
    }),
    change_log: ({ after }: { after?: number }) =>
      after === undefined
        ? {
            lines: [
              "$ npm ci",
              "added 214 packages in 9s",
              "$ npm test",
              "ok 1 - reads the mirror",
              "\u001B[32mok\u001B[0m 2 - keeps order",
            ],
            position: 5,
          }
        : new Promise(() => {}),
  } satisfies Partial<Record<keyof FixtureHive["answers"], unknown>>);
  return hive;
}
