import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { cliAtTerminal, cliInside } from "../../../test/lib/cli-inside.ts";
import { aChange, aComment, anApproval, aRepo, aState, diffFiles, DIGEST, SHA } from "../../../test/lib/fixtures.ts";
import { eventsOf, StubHost, type Said } from "../../../test/lib/stub-host.ts";
import { approvalRow } from "../../wire/approval.ts";
import { CHANGE_STATES, CHANGE_TABLE, CHANGE_WORDS } from "../../wire/change-states.ts";
import type { ChangeView, EarlyCheck } from "../../wire/work.ts";

/** The verbs for changes, with a stub of the daemon. */

let host: StubHost;
let home: string;
beforeAll(async () => {
  host = await new StubHost().start();
  home = realpathSync(mkdtempSync(join(tmpdir(), "changes-")));
});
afterAll(async () => {
  await host.dispose();
  rmSync(home, { recursive: true });
});
const PATCH = "@@ -1,3 +1,4 @@\n one\n-two\n+TWO\n+2.5\n three\n@@ -40 +41 @@\n-forty\n+FORTY\n";
beforeEach(() => {
  host.calls = [];
  host.answers = {
    change: { change: aChange(), files: diffFiles(), comments: [] },
    change_approve: { change: aChange({ state: "approved" }) },
    change_file: ({ after }) => (after === 0 ? { text: PATCH.slice(0, 30), next: 30 } : { text: PATCH.slice(30) }),
    change_comment: { comment: aComment({ id: 70, state: "draft" }) },
  };
});
afterEach(() => vi.restoreAllMocks());

const hivectl = (...words: string[]): Promise<Said> => cliInside("--socket", host.socket, ...words);

describe("change list", () => {
  test("asks for the open ones of a repository and an agent, or for all", async () => {
    host.answers.changes = { changes: [aChange({ marks: [{ level: "danger", kind: "cut", text: "not shown" }] })] };
    expect((await hivectl("change", "list", "--repo", "web", "--agent", "@scout")).out).toMatch(
      /12 +web +scout +main +waits for review .*\+14 -2 +1 +Retry a fetch that timed out\n$/,
    );
    await hivectl("change", "list", "--all", "-n", "5", "--before", "40");
    expect(host.calls.map(({ input }) => input)).toEqual([
      { repo: "web", agent: "scout", open: true, limit: 50 },
      { open: false, limit: 5, before: 40 },
    ]);
  });

  test("says how to go on if there are more", async () => {
    host.answers.changes = { changes: [aChange({ id: 14 }), aChange({ id: 12 })], more: true };
    expect((await hivectl("change", "list", "--before", "40")).out).toMatch(/\nolder ones: --before 12\n$/);
    expect(host.called("changes")).toMatchObject({ open: true, before: 40 });
  });

  test("what waits is read to its end", async () => {
    const upTo = (least: number, { before }: { before?: unknown }, newest: number) => {
      const id = Number(before ?? newest + 1) - 1;
      return { id, ...(id > least ? { more: true } : {}) };
    };
    host.answers.changes = (input) => {
      const { id, ...more } = upTo(97, input, 99);
      return { changes: [aChange({ id })], ...more };
    };
    host.answers.pending = { approvals: [approvalRow(anApproval())] };
    host.answers.messages = { messages: [] };
    host.answers.budget = { time_zone: "UTC", rows: [], over: [] };
    host.answers.approvals = (input) => {
      const { id, ...more } = upTo(6, input, 8);
      return { approvals: [anApproval({ id })], ...more };
    };
    const { out, err } = await hivectl("pending");
    expect(err).toBe("");
    expect(out).toContain("3 changes wait");
    expect(Array.from(out.matchAll(/^ *#?([678]) /gm), ([, id]) => id)).toEqual(["8", "7", "6"]);
  });
});

describe("change show", () => {
  test("prints summary, marks, the comments below their file and the whole diff", async () => {
    const comments = [
      aComment({ id: 70, text: "split it" }),
      aComment({
        id: 72,
        path: "agent.json",
        line: 6,
        side: "new",
        quote: "  },",
        text: "why\u202E?",
        answer: "because",
        outdated: true,
      }),
      aComment({ id: 71, path: "agent.json", line: 4, side: "old", quote: "old", text: "keep it", state: "resolved" }),
      aComment({ id: 73, path: "gone.ts", line: 1, side: "new", text: "of a file that is no longer changed" }),
    ];
    const marks = [{ level: "warn" as const, kind: "protected" as const, text: "changes a protected file", path: "agent.json" }];
    const change = aChange({ round: 2, marks, reason: "conflict in a.ts", state: "conflict" });
    host.answers.change = { change, base_sha: "7".repeat(40), files: diffFiles(), comments };
    const { out } = await hivectl("change", "show", "12");
    expect(out).toMatch(
      /^change 12 of web: Retry a fetch that timed out {2}conflict\nscout proposes retry-fetch for main, round 2, /,
    );
    for (const words of [
      `commit  ${SHA}  against 777777777777`,
      "it came back:\n  conflict in a.ts",
      " ! changes a protected file  agent.json",
      "● operator on line 6 of agent.json  comment 72, open, the line has changed since\n    >   },\n    why⟨U+202E⟩?\n    ↳ because",
      "● operator on old line 4 of agent.json  comment 71, resolved",
      "2 files  +14 -2",
    ])
      expect(out).toContain(words);
    // In the order of the page: those on the whole change, then each file with its own.
    const places = ["comment 70", "comment 73", "── modified  agent.json", "comment 71", "comment 72", "── added  crawler.mjs"];
    expect(places.map((words) => out.indexOf(words))).toEqual(
      places.map((words) => out.indexOf(words)).toSorted((a, b) => a - b),
    );
    expect(places.filter((words) => !out.includes(words))).toEqual([]);
  });

  test("says until when a reviewer's approval can be stopped, and whether trying again can help", async () => {
    const show = async (change: Partial<ChangeView>): Promise<string> => {
      host.answers.change = { change: aChange(change), files: diffFiles(), comments: [] };
      return (await hivectl("change", "show", "12")).out.replaceAll(/\s+/g, " ");
    };
    const merges_at = new Date(Date.now() + 20 * 60_000).toISOString();
    expect(await show({ state: "approved", decided_by: "critic", merges_at })).toMatch(
      /merges at \d\d:\d\d unless you veto \(in (?:20m 0|19m 5\d)s\) `npx hivectl change deny 12` or /,
    );
    expect(await show({ state: "checks_failed" })).toContain("`npx hivectl change retry 12` tries again");
    host.answers.repo = { repo: aRepo("web", { bases: [{ name: "main", sha: SHA }] }), branches: [] };
    expect(await show({ state: "conflict", conflicts_with: DIGEST.slice(0, 40) })).toContain("change retry 12");
    const same = await show({ state: "conflict", conflicts_with: SHA });
    expect(same).toContain("scout has to propose it again: main has not moved since, so trying again ends the same");
    expect(same).not.toContain("change retry");
    host.answers.changes = { changes: [aChange({ state: "approved", merges_at })] };
    expect((await hivectl("change", "list")).out).toContain("merges at ");
  });

  test("says what the check says before the decision, on which tip it ran, and why it failed", async () => {
    const onto = aRepo("web").bases[0]?.sha ?? "";
    const early = (extra: Partial<EarlyCheck>): ChangeView =>
      aChange({ early_check: { state: "failed", onto, at: new Date().toISOString(), ...extra } });
    const out = async (change: ChangeView, repo = aRepo("web")): Promise<string> => {
      host.answers.change = { change, files: [], comments: [] };
      host.answers.repo = { repo, branches: [] };
      return (await hivectl("change", "show", "12")).out;
    };
    const place = `merged onto ${onto.slice(0, 12)} of main`;
    expect(await out(early({ reason: "the check failed with exit code 3\n\nnot ok" }))).toMatch(
      new RegExp(`check   check failed, ${place}\n\n +the check failed with exit code 3\n[^]*not ok\n`),
    );
    const moved = aRepo("web", { bases: [{ name: "main", sha: SHA }] });
    expect((await out(early({ state: "passed" }), moved)).replaceAll(/\s+/g, " ")).toContain(
      `check passed, ${place}; main has moved since `,
    );
    expect(await out(early({ state: "running" }), moved)).toContain(`check runs, ${place}\n`);
    // Once it is decided on, the queue's own check counts.
    expect(await out({ ...early({}), state: "queued" })).not.toContain("check failed");
    host.answers.changes = { changes: [early({})] };
    expect((await hivectl("change", "list")).out).toContain("check failed: Retry a fetch");
  });

  test("shows one file to its end, and takes another start of the diff", async () => {
    expect((await hivectl("change", "show", "12", "--file", "a.ts", "--against", "last-reviewed")).out).toBe(PATCH);
    expect(host.calls.map(({ input }) => input["after"])).toEqual([0, 30]);
    expect(host.called("change_file")).toMatchObject({ change: 12, path: "a.ts", against: "last_reviewed" });
    await hivectl("change", "show", "12", "--against", "base-tip");
    expect(host.called("change")).toEqual({ change: 12, against: "base_tip" });
    expect(await hivectl("change", "show", "12", "--against", "main")).toMatchObject({ code: 2 });
  });
});

describe("change approve", () => {
  test("approves the commit and the digest that were shown", async () => {
    const said = await hivectl("change", "approve", "12", "--sha", SHA.slice(0, 12), "--note", "fine");
    expect(said.out).toContain("2 files, +14 -2; `npx hivectl change show 12` has the diff");
    expect(said.out).toContain("change 12 is approved; ");
    expect(host.called("change_approve")).toEqual({ change: 12, sha: SHA, digest: DIGEST, note: "fine" });
  });

  test("is refused for another commit, and for files that are not shown and not named", async () => {
    expect((await hivectl("change", "approve", "12", "--sha", "abcdef123456")).err).toContain(
      `change 12 is of commit ${SHA}, not of abcdef123456: look again with \`npx hivectl change show 12\``,
    );
    host.answers.change = { change: aChange(), files: diffFiles([{ path: "logo.png", binary: true }]), comments: [] };
    expect((await hivectl("change", "approve", "12", "--yes")).err).toContain(
      "change 12 changes files that are not shown whole:\n  logo.png (not text)\nLook at each with `npx hivectl change show 12 --file <path>`",
    );
    expect(host.called("change_approve")).toBeUndefined();
    await hivectl("change", "approve", "12", "--yes", "--unshown", "logo.png");
    expect(host.called("change_approve")).toMatchObject({ unshown: ["logo.png"] });
  });

  test("asks about comments that are not sent: sends them, approves without, or stops", async () => {
    const comments = { draft: 2, open: 0, resolved: 0 };
    host.answers.change = { change: aChange({ comments }), files: diffFiles(), comments: [] };
    host.answers.change_return = { change: aChange({ state: "changes_requested" }) };
    const called = (): string[] => host.calls.map(({ name }) => name).filter((name) => name !== "change");
    for (const options of [["--yes"], ["--sha", SHA], ["--json", "--yes"]]) {
      const said = await hivectl("change", "approve", "12", ...options);
      expect(`${said.out}${said.err}`).toContain(
        "2 comments of yours are not sent: `npx hivectl change return 12` sends them, --without-comments approves without",
      );
      expect(said.code).not.toBe(0);
    }
    expect(called()).toEqual([]);
    await hivectl("change", "approve", "12", "--yes", "--without-comments");
    expect(called()).toEqual(["change_approve"]);
    for (const [answer, then] of [
      ["s", "change_return"],
      ["a", "change_approve"],
      ["", undefined],
    ] as const) {
      host.calls = [];
      const said = await cliAtTerminal(
        { "approve change 12": "y", "2 comments of yours are not sent": answer },
        "--socket",
        host.socket,
        "change",
        "approve",
        "12",
      );
      expect(called()).toEqual(then === undefined ? [] : [then]);
      if (then === undefined) expect(said.err).toContain("nothing is changed");
    }
  });

  const moves = (...steps: Partial<ChangeView>[]) => {
    host.answers.changes = { changes: [aChange({ state: "approved" })] };
    host.answers.watch = () =>
      eventsOf(steps.map((step, at) => ({ kind: "change", seq: 3000 + at, change: aChange({ seq: 3000 + at, ...step }) })));
  };

  test("with --wait follows the change until it is merged", async () => {
    moves(
      { state: "queued" },
      { state: "merging" },
      { state: "checking" },
      { state: "pushing" },
      { state: "merged", merged_sha: SHA },
    );
    const said = await hivectl("change", "approve", "12", "--yes", "--wait");
    expect(said).toMatchObject({ code: 0, err: "" });
    expect(said.out).toMatch(
      /approved\napproved\nin the queue\nmerging\ncheck runs\nmoves the base\nmerged\nmain is at 1bfaf24abcde\n$/,
    );
    expect(host.called("changes")).toEqual({ before: 13, limit: 1 });
    moves({ state: "merged" });
    const json = await hivectl("change", "approve", "12", "--yes", "--wait", "--json");
    expect(JSON.parse(json.out)).toMatchObject({ change: { id: 12, state: "merged" } });
  });

  test("with --wait waits for the end of a pull request", async () => {
    moves({ state: "checking" }, { state: "in_pull_request" }, { state: "merged", merged_sha: SHA });
    const said = await hivectl("change", "approve", "12", "--yes", "--wait");
    expect(said).toMatchObject({ code: 0, err: "" });
    expect(said.out).toMatch(/check runs\nin a pull request\nmerged\nmain is at 1bfaf24abcde\n$/);
  });

  /** Every state that ends the wait: those that neither the merge queue nor another host moves on from. */
  const ENDS = CHANGE_STATES.filter((state) => state !== "in_pull_request").filter(
    (state) => !("merge" in CHANGE_TABLE[state] || "enqueue" in CHANGE_TABLE[state] || "requeue" in CHANGE_TABLE[state]),
  );
  test.each(ENDS.filter((state) => state !== "merged"))("with --wait fails if the change is %s", async (state) => {
    moves({ state: "queued" }, { state, reason: "a.ts: both changed" });
    const said = await hivectl("change", "approve", "12", "--yes", "--wait");
    expect(said).toMatchObject({ code: 1, err: `hivectl: change 12: ${CHANGE_WORDS[state]}: a.ts: both changed\n` });
    const json = await hivectl("change", "retry", "12", "--wait", "--json");
    expect(json.code).toBe(1);
  });

  test("asks nothing about a change that cannot be approved: the daemon says why", async () => {
    host.answers.change = { change: aChange({ state: "merged" }), files: [], comments: [] };
    await hivectl("change", "approve", "12");
    expect(host.called("change_approve")).toBeDefined();
  });
});

describe("change comment", () => {
  test("quotes the line of the diff", async () => {
    await hivectl("change", "comment", "12", "why?", "--file", "a.ts", "--line", "3");
    await hivectl("change", "comment", "12", "no", "--file", "a.ts", "--line", "40", "--old");
    await hivectl("change", "comment", "12", "same", "--file", "a.ts", "--line", "4");
    await hivectl("change", "comment", "12", "on all of it");
    expect(host.calls.filter(({ name }) => name === "change_comment").map(({ input }) => input)).toEqual([
      { change: 12, text: "why?", path: "a.ts", line: 3, side: "new", quote: "2.5" },
      { change: 12, text: "no", path: "a.ts", line: 40, side: "old", quote: "forty" },
      { change: 12, text: "same", path: "a.ts", line: 4, side: "new", quote: "three" },
      { change: 12, text: "on all of it" },
    ]);
  });

  test("says which lines the diff shows", async () => {
    const said = await hivectl("change", "comment", "12", "x", "--file", "a.ts", "--line", "20");
    expect(said).toMatchObject({
      code: 1,
      err: "hivectl: the diff of a.ts does not show line 20 of the new file: it shows 1-4, 41\n",
    });
    for (const words of [["--file", "a.ts"], ["--line", "3"], ["--old"]])
      expect(await hivectl("change", "comment", "12", "x", ...words)).toMatchObject({ code: 2 });
  });
});

test.each([
  ["deny", "change_deny"],
  ["return", "change_return"],
  ["withdraw", "withdraw_change"],
  ["dequeue", "change_dequeue"],
  ["revert", "change_revert"],
] as const)("change %s passes its note on", async (verb, operation) => {
  host.answers[operation] = { change: aChange({ state: "withdrawn" }) };
  expect(await hivectl("change", verb, "12", "--note", "because")).toMatchObject({ code: 0, err: "" });
  expect(host.called(operation)).toEqual({ change: 12, note: "because" });
});

describe("change log", () => {
  test("prints the last lines without control characters", async () => {
    host.answers.change_log = { lines: ["ok\u001B[2J", "done"], position: 9 };
    expect((await hivectl("change", "log", "12", "-n", "2")).out).toBe("ok\ndone\n");
    expect(host.called("change_log")).toEqual({ change: 12, lines: 2 });
    host.answers.change_log = { lines: [], position: 0 };
    expect((await hivectl("change", "log", "12")).out).toBe("no check of change 12 has printed anything\n");
  });

  test("with --follow prints new lines and how the change ended", async () => {
    const ended = Promise.withResolvers<void>();
    const held = Promise.withResolvers<object>();
    host.answers.changes = { changes: [aChange({ state: "checking" })] };
    host.answers.watch = async function* () {
      yield {};
      await ended.promise;
      yield {
        event: { kind: "change", seq: 3000, change: aChange({ seq: 3000, state: "checks_failed", reason: "1 test failed" }) },
      };
    };
    host.answers.change_log = ({ after }) => {
      if (after === undefined) return { lines: ["one"], position: 4 };
      if (after === 4) return { lines: ["two"], position: 8 };
      // The log has ended: the reader does not wait for the answer that is on its way.
      if (host.calls.filter(({ input }) => input["after"] === 8).length > 1) return { lines: ["three"], position: 14 };
      ended.resolve();
      return held.promise;
    };
    const said = await hivectl("change", "log", "12", "--follow");
    held.resolve({ lines: [], position: 8 });
    expect(said.out).toBe("one\ntwo\nthree\nchange 12: check failed: 1 test failed\n");
  });
});

describe("change checkout", () => {
  const git = (folder: string, ...argv: string[]): string =>
    execFileSync("git", ["-C", folder, "-c", "user.name=You", "-c", "user.email=you@example.org", ...argv], {
      encoding: "utf8",
    }).trim();
  let made = 0;
  /** The hive's repository with a change, and a clone that has it as its remote. The path ends as the hive's address does. */
  function aHiveAndClone(): { clone: string; sha: string } {
    const [root, work] = [join(home, `${++made}`, "git"), join(home, `${made}`, "agent")];
    mkdirSync(root, { recursive: true });
    mkdirSync(work);
    git(work, "init", "--quiet", "--initial-branch=main");
    mkdirSync(join(work, ".hooks"));
    writeFileSync(join(work, ".hooks", "post-checkout"), `#!/bin/sh\ntouch ${join(home, "hook-ran")}\n`, { mode: 0o755 });
    git(work, "add", "--all");
    git(work, "commit", "--quiet", "-m", "base");
    git(work, "clone", "--quiet", "--bare", work, join(root, "web"));
    git(work, "commit", "--quiet", "--allow-empty", "-m", "change");
    git(work, "push", "--quiet", join(root, "web"), "HEAD:refs/changes/12/1");
    const clone = join(home, `${made}`, "web");
    git(home, "clone", "--quiet", "--origin", "hive", join(root, "web"), clone);
    // As tools for hooks set it: a folder of the work tree, whose hooks call programs of the work tree.
    git(clone, "config", "core.hooksPath", ".hooks");
    return { clone, sha: git(work, "rev-parse", "HEAD") };
  }
  const inside = (clone: string, sha: string, extra: Partial<ChangeView> = {}, ...words: string[]): Promise<Said> => {
    vi.spyOn(process, "cwd").mockReturnValue(clone);
    host.answers.change = { change: aChange({ sha, ...extra }), files: [], comments: [] };
    return hivectl("change", "checkout", "12", ...words);
  };

  test("makes a detached work tree beside the clone, runs no hook, and says that nobody has reviewed it", async () => {
    const { clone, sha } = aHiveAndClone();
    const said = await inside(clone, sha);
    expect(said).toMatchObject({ code: 0, err: "" });
    expect(said.out).toContain(
      `${clone}-change-12: commit ${sha.slice(0, 12)} of change 12 of web, round 1. The agent scout wrote this code.`,
    );
    expect(said.out).toContain("It is not reviewed (waits for review): read it before you build or run anything in that folder.");
    expect(git(`${clone}-change-12`, "rev-parse", "HEAD")).toBe(sha);
    expect(() => git(`${clone}-change-12`, "symbolic-ref", "--quiet", "HEAD")).toThrow();
    expect(existsSync(join(home, "hook-ran"))).toBe(false);
    expect(git(clone, "branch", "--list")).toBe("* main");
    expect((await inside(clone, sha)).err).toContain(`${clone}-change-12 exists already: name another folder`);
    expect((await inside(clone, sha, { state: "merged" }, "elsewhere")).out).toContain("It is approved (merged).");
    expect(readFileSync(join(clone, "elsewhere", ".hooks", "post-checkout"), "utf8")).toContain("hook-ran");
  });

  test("refuses a clone of something else, and a commit that the hive does not have", async () => {
    const { clone, sha } = aHiveAndClone();
    expect((await inside(clone, sha, { repo: "api" })).err).toContain("not the repository api: go to a clone of api");
    expect((await inside(clone, "f".repeat(40))).err).toContain(`refs/changes/12/1 is not commit ${"f".repeat(40)}`);
    expect((await inside(clone, sha, { round: 2 })).err).toContain("git fetch failed in");
    git(clone, "remote", "remove", "hive");
    expect((await inside(clone, sha)).err).toContain("has no remote hive: `npx hivectl repo remote web --add` adds it");
    expect(existsSync(`${clone}-change-12`)).toBe(false);
  });
});

describe("changes that wait", () => {
  const waiting = [aChange({ id: 3 }), aChange({ id: 4 }), aChange({ id: 5, state: "queued" })];
  const LINE = "2 changes wait: `npx hivectl change list`\n";

  test("are a line of status and of pending", async () => {
    host.answers.state = { state: aState({ changes: waiting }) };
    host.answers.changes = { changes: waiting };
    host.answers.pending = { approvals: [] };
    host.answers.messages = { messages: [] };
    host.answers.budget = { time_zone: "UTC", rows: [], over: [] };
    expect((await hivectl("status")).out).toMatch(new RegExp(`\n\n${LINE}$`));
    expect((await hivectl("pending")).out).toBe(LINE);
    host.answers.state = { state: aState({ changes: waiting, approvals: [anApproval()] }) };
    expect((await hivectl("status")).out).toMatch(new RegExp(`waits for you: 1 request\n${LINE}$`));
    host.answers.changes = { changes: waiting.slice(0, 1) };
    expect((await hivectl("pending")).out).toBe("1 change waits: `npx hivectl change list`\n");
    host.answers.changes = { changes: waiting.slice(2) };
    expect((await hivectl("pending")).out).toBe("nothing waits for approval\n");
  });
});
