import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { GIT_USER, runIn } from "../../../test/lib/work-git.ts";
import type { AssignedRepo } from "../../wire/harness.ts";
import { workDone } from "./work-done.ts";

let root: string;
const repo = (name: string): AssignedRepo => ({ name, base: "main", access: "write", setup: "", author: "" });
const env = { PATH: GIT_USER.PATH, HOME: "/nonexistent", LANG: "C.UTF-8", GIT_CONFIG_NOSYSTEM: "1" };
const measure = async (...names: string[]) =>
  (await workDone(names.map(repo), { root, env })).map(({ repo: of, branch, added, removed }) => ({
    repo: of,
    branch,
    added,
    removed,
  }));

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "work-done-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function git(name: string, ...argv: string[]): Promise<string> {
  const { code, out, err } = await runIn(join(root, name), "git", argv);
  expect(code, `${argv.join(" ")}: ${err}`).toBe(0);
  return out;
}
function write(name: string, path: string, text: string): void {
  writeFileSync(join(root, name, path), text);
}
/** A clone whose base has a file of three lines. */
async function clone(name: string): Promise<void> {
  mkdirSync(join(root, name));
  await git(name, "init", "-q", "-b", "main");
  write(name, "a", "1\n2\n3\n");
  write(name, ".gitignore", "out\n");
  await git(name, "add", "-A");
  await git(name, "commit", "-q", "-m", "Begin");
  await git(name, "update-ref", "refs/remotes/origin/main", "HEAD");
}

test("the lines that no commit has are counted apart, with the commit and the base", async () => {
  await clone("web");
  write("web", "a", "1\n2\n3\n4\n");
  await git("web", "commit", "-q", "-a", "-m", "Add");
  write("web", "new", "x\ny\n");
  const commit = (await git("web", "rev-parse", "HEAD")).trim();
  const [done] = await workDone([repo("web")], { root, env });
  expect(done).toMatchObject({ added: 3, removed: 0, head: { commit, base: "main", added: 2, removed: 0 } });
});

test("counts committed, uncommitted and new lines from where the branch left its base, and leaves the index as it is", async () => {
  await clone("web");
  expect(await measure("web")).toEqual([{ repo: "web", branch: "main", added: 0, removed: 0 }]);
  await git("web", "switch", "-q", "-c", "fix/läuft");
  write("web", "a", "1\n2\n3\n4\n");
  await git("web", "commit", "-q", "-a", "-m", "Add");
  write("web", "a", "2\n3\n4\n");
  write("web", "new", "x\ny\n");
  write("web", "out", "ignored\n");
  // The base goes on: its lines are not the agent's.
  await git(
    "web",
    "update-ref",
    "refs/remotes/origin/main",
    (await git("web", "commit-tree", "HEAD^{tree}", "-p", "main", "-m", "x")).trim(),
  );
  const before = await git("web", "status", "--porcelain");
  expect(await measure("web")).toEqual([{ repo: "web", branch: "fix/läuft", added: 3, removed: 1 }]);
  expect(await git("web", "status", "--porcelain")).toBe(before);
});

test("a branch is absent without one, a new repository counts everything, and what is no clone is left out", async () => {
  await clone("web");
  await git("web", "checkout", "-q", "--detach");
  mkdirSync(join(root, "fresh"));
  await git("fresh", "init", "-q", "-b", "main");
  write("fresh", "a", "1\n2\n");
  mkdirSync(join(root, "broken"));
  writeFileSync(join(root, "broken", ".git"), "gitdir: /nowhere\n");
  expect(await measure("web", "broken", "missing", "fresh")).toEqual([
    { repo: "web", added: 0, removed: 0 },
    { repo: "fresh", branch: "main", added: 2, removed: 0 },
  ]);
});

test("hooks, monitors and external diffs of the clone do not run, and a filter that never ends is ended", async () => {
  await clone("web");
  const ran = join(root, "ran");
  const program = join(root, "program");
  writeFileSync(program, `#!/bin/sh\ntouch ${ran}\n`);
  chmodSync(program, 0o755);
  mkdirSync(join(root, "web/.git/hooks"), { recursive: true });
  writeFileSync(join(root, "web/.git/hooks/post-index-change"), `#!/bin/sh\ntouch ${ran}\n`, { mode: 0o755 });
  for (const key of ["core.fsmonitor", "diff.external", "diff.x.textconv", "diff.x.command"])
    await git("web", "config", key, program);
  write("web", ".gitattributes", "* diff=x\n");
  write("web", "a", "1\n");
  expect(await measure("web")).toEqual([{ repo: "web", branch: "main", added: 1, removed: 2 }]);
  expect(existsSync(ran)).toBe(false);

  await git("web", "config", "filter.slow.clean", "sleep 1000 & sleep 1000");
  write("web", ".gitattributes", "a filter=slow\n");
  expect(await workDone([repo("web")], { root, env, timeoutMs: 500 })).toEqual([]);
});
