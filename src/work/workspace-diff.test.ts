import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTestWork, type TestWork } from "../../test/lib/work.ts";
import type { Agent } from "../agents/agent.ts";
import { shownFiles } from "./diff.ts";
import { workspaceDiff, type WorkspaceDiff } from "./workspace-diff.ts";

let work: TestWork;
let folder: string;
/** The user that the workspace belongs to: git in the sandbox runs as it. */
const IDENTITY =
  process.getuid?.() === 0 ? { uid: 4321, gid: 4321 } : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const scout = {
  id: "a1",
  name: "scout",
  config: { repos: [{ name: "web", access: "write" }] },
  record: { identity: IDENTITY },
} as unknown as Agent;

beforeEach(async () => {
  work = await openTestWork();
  folder = join(work.paths.agent("a1").work, "web");
  mkdirSync(dirname(folder), { recursive: true });
  execFileSync("git", ["clone", "--quiet", "--branch", "main", work.bare, folder], { env: ENV });
});
afterEach(() => work.close());

const ENV = {
  PATH: process.env["PATH"],
  HOME: "/nonexistent",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_COUNT: "1",
  GIT_CONFIG_KEY_0: "safe.directory",
  GIT_CONFIG_VALUE_0: "*",
  GIT_AUTHOR_NAME: "scout",
  GIT_AUTHOR_EMAIL: "scout@hive.invalid",
  GIT_COMMITTER_NAME: "scout",
  GIT_COMMITTER_EMAIL: "scout@hive.invalid",
};
const git = (...argv: string[]): string => execFileSync("git", argv, { env: ENV, cwd: folder, encoding: "utf8" }).trim();
const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};
function diff(path?: string): Promise<WorkspaceDiff> {
  if (process.getuid?.() === 0) execFileSync("chown", ["-hR", `${IDENTITY.uid}:${IDENTITY.gid}`, folder]);
  return workspaceDiff(work, scout, "web", path);
}
/** Each changed file with its added and removed lines. */
const changes = ({ files }: WorkspaceDiff): Record<string, string> =>
  Object.fromEntries(
    shownFiles(files, new Set()).map(({ path, patch = "" }) => [
      path,
      patch
        .split("\n")
        .filter((line) => /^[+-]/.test(line))
        .join(" "),
    ]),
  );

test("what is committed, staged, changed, new and removed is shown together, against where the workspace began", async () => {
  const first = work.tip();
  put("a.txt", "1\ncommitted\n3\n4\n5\n6\n7\n8\n9\n");
  git("commit", "-qam", "One");
  put("staged.txt", "staged\n");
  git("add", "staged.txt");
  put("new/file.txt", "new\n");
  put(".gitignore", "ignored\n");
  put("ignored", "x");
  put(".env", "SECRET=1\n");
  put("run.sh", "#!/bin/sh\n");
  chmodSync(join(folder, "run.sh"), 0o755);
  rmSync(join(folder, "README.md"));
  await work.store.write(() =>
    work.store.includes.put({
      repo: "web",
      path: ".env",
      content: Buffer.from("SECRET=1\n"),
      bytes: 9,
      executable: 0,
      added_at: 0,
    }),
  );
  // What others merge meanwhile is not the agent's.
  await work.base(work.commit(first, { "other.txt": "merged by another\n" }));
  const shown = await diff();
  expect(changes(shown)).toEqual({
    ".gitignore": "+ignored",
    "README.md": "-# web",
    "a.txt": "-2 +committed",
    "new/file.txt": "+new",
    "run.sh": "+#!/bin/sh",
    "staged.txt": "+staged",
  });
  expect(shown).toMatchObject({ base: "main", from: first, leftOut: [] });
  expect(shown.files.find(({ path }) => path === "run.sh")?.new_mode).toBe("100755");
  expect(changes(await diff("a.txt"))).toEqual({ "a.txt": "-2 +committed" });
  // The workspace is as it was: nothing is left in it.
  expect(git("status", "--porcelain")).not.toContain("index.lock");
});

test("no setting, hook, filter, monitor or index of the workspace has a say in what is shown", async () => {
  put("evil", "#!/bin/sh\necho HOOKED; sed s/seen/HIDDEN/\n");
  chmodSync(join(folder, "evil"), 0o755);
  git("add", "-A");
  git("commit", "-qm", "A program");
  put("a.txt", "seen\n");
  git("update-index", "--assume-unchanged", "a.txt");
  put(".gitattributes", "* filter=evil diff=evil text working-tree-encoding=evil\n*.txt -diff binary\n");
  const program = "/repo/evil";
  for (const [key, value] of Object.entries({
    "filter.evil.clean": program,
    "filter.evil.smudge": program,
    "filter.evil.process": program,
    "filter.evil.required": "true",
    "diff.evil.textconv": program,
    "diff.evil.command": program,
    "diff.external": program,
    "core.fsmonitor": program,
    "core.hooksPath": "/repo",
    "core.pager": program,
    "core.excludesFile": "/repo/exclude",
    "core.worktree": "/usr",
    "core.bare": "true",
    "status.showUntrackedFiles": "no",
    "alias.diff-index": `!${program}`,
    "include.path": "/repo/more",
    "extensions.worktreeConfig": "true",
  }))
    execFileSync("git", ["config", "--file", join(folder, ".git/config"), key, value], { env: ENV });
  put("exclude", "*\n");
  for (const hook of ["post-index-change", "fsmonitor-watchman", "pre-commit", "reference-transaction"]) {
    put(`.git/hooks/${hook}`, "#!/bin/sh\necho HOOKED\n");
    chmodSync(join(folder, ".git/hooks", hook), 0o755);
  }
  put(".git/objects/info/alternates", "/repo/elsewhere\n");
  put(".git/info/exclude", "*\n");
  put(".git/info/attributes", "* filter=evil\n");
  put(".git/info/grafts", `${work.tip()} ${work.tip()}\n`);
  const shown = changes(await diff());
  expect(shown["a.txt"]).toBe("-1 -2 -3 -4 -5 -6 -7 -8 -9 +seen");
  expect(Object.keys(shown).sort()).toEqual([".gitattributes", "a.txt", "evil", "exclude"]);
  delete shown["evil"];
  expect(JSON.stringify(shown)).not.toMatch(/HIDDEN|HOOKED/);
});

test("fifos, sockets, large and sparse files, and repositories inside are named and not opened; links are shown as links", async () => {
  execFileSync("mkfifo", [join(folder, "fifo")]);
  rmSync(join(folder, "README.md"));
  execFileSync("mkfifo", [join(folder, "README.md")]);
  put("sparse", "");
  truncateSync(join(folder, "sparse"), 7 * 1024 ** 4);
  truncateSync(join(folder, "a.txt"), 7 * 1024 ** 4);
  symlinkSync("/etc/shadow", join(folder, "link"));
  symlinkSync("/etc", join(folder, "linked-folder"));
  execFileSync("git", ["init", "--quiet", join(folder, "inner")], { env: ENV });
  put("inner/.git/config", "[core]\n\tfsmonitor = /repo/evil\n");
  put("inner/x", "x");
  const server = createServer().listen(join(folder, "socket"));
  try {
    const shown = await diff();
    expect(changes(shown)).toEqual({ link: "+/etc/shadow", "linked-folder": "+/etc" });
    expect(shown.leftOut.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      { path: "README.md", kind: "fifo" },
      { path: "a.txt", kind: "large" },
      { path: "fifo", kind: "fifo" },
      { path: "inner", kind: "repository" },
      { path: "socket", kind: "socket" },
      { path: "sparse", kind: "large" },
    ]);
  } finally {
    server.close();
  }
});

test.each([
  [
    "is a link",
    () => {
      rmSync(join(folder, ".git"), { recursive: true });
      symlinkSync("/usr", join(folder, ".git"));
    },
  ],
  ["has no HEAD", () => rmSync(join(folder, ".git/HEAD"))],
  [
    "has a fifo as HEAD",
    () => {
      rmSync(join(folder, ".git/HEAD"));
      execFileSync("mkfifo", [join(folder, ".git/HEAD")]);
    },
  ],
  ["has a HEAD that leads out of it", () => writeFileSync(join(folder, ".git/HEAD"), "ref: refs/heads/../../../../etc/shadow\n")],
  ["has a HEAD that is a command", () => writeFileSync(join(folder, ".git/HEAD"), "$(touch /tmp/x)`x`\n")],
  ["names a commit that is not there", () => writeFileSync(join(folder, ".git/HEAD"), `${"1".repeat(40)}\n`)],
])("a workspace whose .git %s is compared with the tip of its base", async (_, damage) => {
  put("a.txt", "seen\n");
  damage();
  const shown = await diff();
  expect(shown.from).toBe(work.tip());
  expect(Object.keys(changes(shown))).toEqual(["a.txt"]);
});

test("a history that the agent has made up does not choose what is compared", async () => {
  put("a.txt", "seen\n");
  git("checkout", "-q", "--orphan", "mine");
  git("commit", "-qam", "No history");
  expect((await diff()).from).toBe(work.tip());
});

test("a workspace that is not there, or of no repository, is refused", async () => {
  await expect(workspaceDiff(work, scout, "none")).rejects.toThrow("scout has no workspace of a repository none");
  rmSync(folder, { recursive: true });
  await expect(workspaceDiff(work, scout, "web")).rejects.toThrow("scout has no workspace of a repository web");
});
