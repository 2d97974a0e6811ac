import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { agentWith, GIT_USER, openWorkGit, runIn, type GitEnd, type WorkGit } from "../../../test/lib/work-git.ts";
import type { AssignedRepo, WorkspaceReport } from "../../wire/harness.ts";
import type { IncludedFile } from "../../wire/include.ts";
import { includedFiles } from "./include.ts";
import { Workspaces } from "./workspaces.ts";

const scout = agentWith("scout", { web: "write", empty: "write" });
let work: WorkGit;
let objects: string;
let count = 0;
const FOREVER = new AbortController().signal;

beforeAll(async () => {
  work = await openWorkGit([scout]);
  objects = work.folder("objects");
  for (const repo of ["web", "empty"]) {
    await work.repositories.create(repo, {});
    symlinkSync(join(work.repositories.folder(repo), "objects"), join(objects, repo));
  }
  await work.seed("web", "main", { "README.md": "hello\n", ".gitignore": "ready\n" });
  await work.seed("web", "next", { "README.md": "later\n" });
});
afterAll(() => work.close());

const repo = (change: Partial<AssignedRepo> = {}): AssignedRepo => ({
  name: "web",
  base: "main",
  access: "write",
  setup: "",
  author: "",
  ...change,
});

/** The workspaces of a cage, whose folder outlives it. */
function cage(included: readonly IncludedFile[] = [], root = work.folder(`work-${++count}`)) {
  const logged: string[] = [];
  const reports: (WorkspaceReport | null)[] = [];
  let tell: (() => void) | undefined;
  const env = { PATH: GIT_USER.PATH, HOME: root, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: join(root, ".hive", "gitconfig") };
  const port = Number(new URL(work.url("scout", "web")).port);
  return {
    root,
    reports,
    env,
    logged,
    open: (...repos: AssignedRepo[]) =>
      new Workspaces(
        {
          root,
          notes: "/state",
          objects,
          port,
          env,
          report(workspace) {
            reports.push(workspace);
            tell?.();
          },
          refs: async (name) =>
            [...work.transport.agentGit.callerFor(scout).open(name).names.refs].map(([ref, sha]) => ({ name: ref, sha })),
          included: () =>
            includedFiles(
              async (after) => included[after === undefined ? 0 : included.findIndex(({ path }) => path === after) + 1],
            ),
          log: (words) => void logged.push(words),
        },
        repos,
      ),
    /** Resolves with the next failure that is reported. */
    async failure(): Promise<WorkspaceReport> {
      for (;;) {
        const last = reports.splice(0).at(-1);
        if (last?.failed === true) return last;
        await new Promise<void>((resolve) => (tell = resolve));
      }
    },
    git: (...argv: string[]): Promise<GitEnd> => runIn(join(root, "web"), "git", argv, env),
  };
}

test("a clone borrows every object, tracks its base, and pushes a branch under its own name", async () => {
  const one = cage();
  const workspaces = one.open(repo({ author: 'A "B" \\ <ab@example.org>' }));
  expect(workspaces.cwd()).toBe("/state");
  expect(workspaces.isFirstMissing()).toBe(true);
  await workspaces.ready(FOREVER);
  expect(workspaces.isFirstMissing()).toBe(false);
  expect(one.reports.at(-1)).toBeNull();
  expect(workspaces.cwd()).toBe(join(one.root, "web"));
  expect((await one.git("status", "-sb")).out).toBe("## main...origin/main\n");
  expect((await one.git("branch", "-r")).out.trim().split(/\s*\n\s*/)).toEqual([
    "origin/HEAD -> origin/main",
    "origin/main",
    "origin/next",
  ]);
  expect((await one.git("count-objects", "-v")).out).toMatch(/^count: 0\n[\s\S]*in-pack: 0\n/);
  expect((await one.git("config", "user.name")).out).toBe('A "B" \\\n');
  // A port never lands in a repository.
  expect(readFileSync(join(one.root, "web/.git/config"), "utf8")).not.toContain("127.0.0.1");

  await one.git("switch", "-q", "-c", "topic");
  writeFileSync(join(one.root, "web/README.md"), "changed\n");
  await one.git("commit", "-q", "-a", "-m", "Change it");
  expect(await one.git("push")).toMatchObject({ code: 0 });
  expect((await one.git("status", "-sb")).out).toBe("## topic...origin/topic\n");
  expect(await one.git("fetch")).toMatchObject({ code: 0, out: "" });
});

test("a clone has the settings and folders that git itself gives a repository", async () => {
  const one = cage();
  await one.open(repo({ name: "empty" })).ready(FOREVER);
  await runIn(one.root, "git", ["init", "-q", "--template=", "-b", "main", "own"], one.env);
  const settings = async (name: string) => (await runIn(join(one.root, name), "git", ["config", "--list", "--local"])).out;
  const [given, own] = [await settings("empty"), await settings("own")];
  expect(given.split("\n").filter((line) => line.startsWith("core."))).toEqual(own.trim().split("\n"));
  const folders = (name: string): string[] => readdirSync(join(one.root, name, ".git"), { recursive: true, encoding: "utf8" });
  expect(folders("empty")).toEqual(expect.arrayContaining(folders("own")));
});

test("a workspace is made once, with its set-up, and kept as it is", async () => {
  const one = cage();
  const setup = 'echo "$REPO $BASE $BRANCH" >> ready; echo said';
  await one.open(repo({ setup })).ready(FOREVER);
  const ready = join(one.root, "web/ready");
  expect(readFileSync(ready, "utf8")).toBe("web main main\n");
  expect(readFileSync(join(one.root, ".hive/web-setup.log"), "utf8")).toBe("said\n");
  writeFileSync(join(one.root, "web/mine"), "");
  await one.open(repo({ setup })).ready(FOREVER);
  expect(readFileSync(ready, "utf8")).toBe("web main main\n");
  expect(existsSync(join(one.root, "web/mine"))).toBe(true);
});

const included = (path: string, text: string, executable = false): IncludedFile => ({
  path,
  content: Buffer.from(text).toString("base64"),
  executable,
});

test("the operator's files are in a fresh clone before its set-up, and git does not see them", async () => {
  const one = cage([
    included(".env", "KEY=1\n"),
    included("config/[a]*.key", "k"),
    included("tools/run", "#!/bin/sh\necho ran\n", true),
  ]);
  await one.open(repo({ setup: "cat .env > ready; tools/run >> ready" })).ready(FOREVER);
  expect(readFileSync(join(one.root, "web/ready"), "utf8")).toBe("KEY=1\nran\n");
  expect(readFileSync(join(one.root, "web/config/[a]*.key"), "utf8")).toBe("k");
  expect(statSync(join(one.root, "web/.env")).mode & 0o777).toBe(0o600);
  expect((await one.git("status", "-s")).out).toBe("");
  // The pattern means this path only.
  writeFileSync(join(one.root, "web/config/abc.key"), "");
  mkdirSync(join(one.root, "web/sub"));
  writeFileSync(join(one.root, "web/sub/.env"), "");
  expect((await one.git("status", "-s", "-uall")).out).toBe("?? config/abc.key\n?? sub/.env\n");
  expect(one.logged).toEqual([]);
});

test("an included file replaces nothing that git tracks, follows no link, and is not copied twice", async () => {
  const files = [included("README.md", "mine"), included(".env", "1")];
  const one = cage(files);
  // A set-up that failed has left a link; the workspace is made again.
  const workspaces = one.open(repo({ setup: "mkdir docs; touch ready; ln -s .. out; rm README.md; exit 3" }));
  const ready = workspaces.ready(FOREVER);
  await one.failure();
  files.push(included("ready/x", "mine"), included("docs", "mine"), included("out/x", "mine"));
  workspaces.answer("retry", [repo()]);
  await ready;
  expect(existsSync(join(one.root, "web/README.md"))).toBe(false);
  expect(existsSync(join(one.root, "x"))).toBe(false);
  expect(one.logged.filter((words) => words.includes("not copied"))).toEqual(
    expect.arrayContaining([
      "the included file README.md is not copied: git tracks it",
      "the included file ready/x is not copied: ready is no folder",
      "the included file docs is not copied: docs is a folder",
      "the included file out/x is not copied: out is no folder",
    ]),
  );
  expect(readFileSync(join(one.root, "web/.git/info/exclude"), "utf8").match(/^\/\.env$/gm)).toHaveLength(1);

  // What the agent has made of it stays.
  writeFileSync(join(one.root, "web/.env"), "2");
  await one.open(repo()).ready(FOREVER);
  expect(readFileSync(join(one.root, "web/.env"), "utf8")).toBe("2");
});

test("a working folder that moves is told once", async () => {
  const one = cage();
  const moved = async (...repos: AssignedRepo[]): Promise<string | undefined> => {
    const workspaces = one.open(...repos);
    await workspaces.ready(FOREVER);
    return workspaces.movedFrom();
  };
  expect(await moved()).toBeUndefined();
  expect(await moved(repo())).toBe("/state");
  expect(await moved(repo())).toBeUndefined();
  expect(await moved(repo({ name: "empty" }), repo())).toBe(join(one.root, "web"));
  expect(await moved()).toBe(join(one.root, "empty"));
  expect(await moved()).toBeUndefined();
});

test("a set-up that fails waits for the operator, who makes it again with other settings, or goes on without", async () => {
  const one = cage();
  const workspaces = one.open(repo({ setup: "echo no network; exit 7" }));
  const ready = workspaces.ready(FOREVER);
  const { repo: name, reason } = await one.failure();
  expect(name).toBe("web");
  expect(reason).toMatch(/^the set-up failed: it ended with 7: no network \(all of its output: .*web-setup\.log\)$/);
  workspaces.answer("retry", [repo({ setup: "exit 8" })]);
  expect((await one.failure()).reason).toContain("ended with 8");
  workspaces.answer("skip", [repo({ setup: "exit 8" })]);
  await ready;
  expect(one.reports.at(-1)).toBeNull();
  // The operator's word holds for the next cage, too.
  await one.open(repo({ setup: "exit 8" })).ready(FOREVER);
});

test("a clone that cannot be made says why, and is made once it can", async () => {
  const one = cage();
  const workspaces = one.open(repo({ base: "release" }));
  const ready = workspaces.ready(FOREVER);
  expect((await one.failure()).reason).toContain("web has no branch release: it has main, next");
  workspaces.answer("skip", [repo({ base: "release" })]);
  await ready;
  expect(workspaces.cwd()).toBe("/state");
  // It is tried at each start without a wait.
  await one.open(repo({ base: "release" })).ready(FOREVER);
  const next = one.open(repo({ base: "next" }));
  await next.ready(FOREVER);
  expect((await one.git("status", "-sb")).out).toBe("## next...origin/next\n");

  const other = cage();
  mkdirSync(join(other.root, "web"));
  writeFileSync(join(other.root, "web/notes"), "mine");
  const blocked = other.open(repo());
  const waits = blocked.ready(FOREVER);
  expect((await other.failure()).reason).toContain("is no git repository: move it away");
  blocked.answer("skip", [repo()]);
  await waits;
});

test("a clone that was cut off is made again, and an empty repository is an empty clone", async () => {
  const one = cage();
  mkdirSync(join(one.root, ".hive/new-web/.git"), { recursive: true });
  await one.open(repo(), repo({ name: "empty" })).ready(FOREVER);
  expect((await one.git("log", "--format=%s")).out).toBe("seed\n");
  expect((await runIn(join(one.root, "empty"), "git", ["status", "-sb"], one.env)).out).toContain("No commits yet on main");
});

test("an end while a set-up runs ends it with all its processes", async () => {
  const one = cage();
  const ended = new AbortController();
  const workspaces = one.open(repo({ setup: "sleep 600 & sleep 600" }));
  const ready = workspaces.ready(ended.signal);
  const running = async (): Promise<boolean> => one.reports.some((report) => report?.reason === "its set-up runs");
  await expect.poll(running).toBe(true);
  ended.abort(new Error("leaving"));
  await expect(ready).rejects.toThrow("leaving");
  expect(existsSync(join(one.root, ".hive/web.setup"))).toBe(false);
});

test("a fresh clone has no git run in the daemon's sandbox", async () => {
  const runs = vi.spyOn(work.git, "withScratch");
  await cage().open(repo()).ready(FOREVER);
  expect(runs).not.toHaveBeenCalled();
  runs.mockRestore();
});
