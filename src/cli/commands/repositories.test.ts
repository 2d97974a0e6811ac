import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { cliInside, cliInsideWith } from "../../../test/lib/cli-inside.ts";
import { aDivergence, aRepo, BASE, SHA } from "../../../test/lib/fixtures.ts";
import { StubHost, type Said } from "../../../test/lib/stub-host.ts";
import { HiveError } from "../../wire/error.ts";
import { exportFolder } from "../export-mark.ts";

/** The verbs for repositories, with real git and a stub of the daemon. */

let host: StubHost;
let home: string;
beforeAll(async () => {
  host = await new StubHost().start();
  home = realpathSync(mkdtempSync(join(tmpdir(), "repos-")));
});
afterAll(async () => {
  await host.dispose();
  rmSync(home, { recursive: true });
});
beforeEach(() => {
  host.calls = [];
  host.answers = { repo_add: () => added({ progress: "copying 3.5 MiB" }, { repo: aRepo("web") }) };
});
afterEach(() => vi.restoreAllMocks());

const hivectl = (...words: string[]): Promise<Said> => cliInside("--socket", host.socket, ...words);
const git = (folder: string, ...argv: string[]): string =>
  execFileSync("git", ["-C", folder, "-c", "user.name=You", "-c", "user.email=you@example.org", ...argv], {
    encoding: "utf8",
  }).trim();

async function* added(...steps: object[]): AsyncGenerator<object> {
  yield* steps;
}

let made = 0;
/** A clone with one commit. */
function aClone(): string {
  const folder = join(home, `web-${++made}`);
  mkdirSync(folder);
  git(folder, "init", "--quiet", "--initial-branch=main");
  git(folder, "commit", "--quiet", "--allow-empty", "-m", "first");
  return folder;
}

describe("repo add", () => {
  test("of a work tree exports its git folder with a nonce that everyone may read, and passes both on", async () => {
    const clone = aClone();
    mkdirSync(join(clone, "docs"));
    const before = process.umask(0o077);
    const said = await hivectl("repo", "add", "web", join(clone, "docs"), "--merge", "squash", "--check", "npm test").finally(
      () => process.umask(before),
    );
    expect(said).toMatchObject({ code: 0, err: "" });
    expect(said.out).toBe(
      `web is added: main at ${BASE.slice(0, 12)}, 1 branch; \`npx hivectl repo fetch web\` follows /home/you/src/web\n`,
    );
    const file = join(clone, ".git", "hive-export");
    const nonce = readFileSync(file, "utf8").trim();
    expect(nonce).toMatch(/^[0-9a-f]{32}$/);
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(host.called("repo_add")).toEqual({
      name: "web",
      folder: join(clone, ".git"),
      nonce,
      merge: "squash",
      check: "npm test",
    });
  });

  test("of a linked work tree and of a bare repository takes the folder that has the branches", async () => {
    const clone = aClone();
    git(clone, "worktree", "add", "--quiet", "--detach", `${clone}-linked`);
    await hivectl("repo", "add", "web", `${clone}-linked`);
    git(clone, "clone", "--quiet", "--bare", clone, `${clone}.git`);
    await hivectl("repo", "add", "web", `${clone}.git`);
    expect(host.calls.map(({ input }) => input["folder"])).toEqual([join(clone, ".git"), `${clone}.git`]);
  });

  test("is not led to another repository by the variables of a hook", async () => {
    const [clone, other] = [aClone(), aClone()];
    vi.stubEnv("GIT_DIR", join(other, ".git"));
    await hivectl("repo", "add", "web", clone).finally(() => vi.unstubAllEnvs());
    expect(host.called("repo_add")).toMatchObject({ folder: join(clone, ".git") });
  });

  test("keeps the nonce of an earlier export, which another hive may know", async () => {
    const clone = aClone();
    const file = join(clone, ".git", "hive-export");
    writeFileSync(file, `${"a".repeat(32)}\n`);
    await hivectl("repo", "add", "web", clone);
    expect(host.called("repo_add")).toMatchObject({ nonce: "a".repeat(32) });
    writeFileSync(file, "not a nonce");
    await hivectl("repo", "add", "web", clone);
    expect(host.calls.at(-1)?.input["nonce"]).toBe(readFileSync(file, "utf8").trim());
    expect(readFileSync(file, "utf8")).toMatch(/^[0-9a-f]{32}\n$/);
  });

  test("takes its own export back if the hive refuses the folder, and only its own", async () => {
    const clone = aClone();
    const file = join(clone, ".git", "hive-export");
    host.answers.repo_add = () => new HiveError("bad_request", "it is a shallow clone");
    expect(await hivectl("repo", "add", "web", clone)).toMatchObject({ code: 1, err: "hivectl: it is a shallow clone\n" });
    expect(existsSync(file)).toBe(false);
    writeFileSync(file, "b".repeat(32));
    await hivectl("repo", "add", "web", clone);
    expect(readFileSync(file, "utf8")).toBe("b".repeat(32));
  });

  test("says what is wrong with a folder, before the daemon is asked", async () => {
    const plain = join(home, "plain");
    mkdirSync(plain);
    expect((await hivectl("repo", "add", "web", plain)).err).toContain(
      `${plain} is not a git repository: run \`git init\` in it`,
    );
    expect((await hivectl("repo", "add", "web", join(home, "none"))).err).toContain("cannot be opened: it does not exist");
    vi.stubEnv("PATH", plain);
    const missing = await hivectl("repo", "add", "web", plain).finally(() => vi.unstubAllEnvs());
    expect(missing.err).toBe("hivectl: git cannot be started: install it, or add it to PATH\n");
    expect(host.calls).toEqual([]);
  });

  test("says who has to run it if the git folder cannot be written", () => {
    expect(() => exportFolder(join(home, "gone"))).toThrow(
      "/gone/hive-export cannot be written (ENOENT): run this as the owner of the repository",
    );
  });

  test.each(["https://example.org/o/web.git", "ssh://example.org/web", "git@example.org:o/web.git", "file:///srv/web.git"])(
    "refuses the address %s",
    async (address) => {
      const said = await hivectl("repo", "add", "web", address);
      expect(said.code).toBe(2);
      expect(said.err).toContain("remote upstreams are not supported yet; clone it first");
      expect(host.calls).toEqual([]);
    },
  );

  test("without a folder makes an empty repository with its settings", async () => {
    host.answers.repo_create = { repo: { ...aRepo("notes", { bases: [] }), upstream: undefined } };
    const options = ["--policy", "reviewed", "--reviewer", "ada", "--reviewer", "bob", "--protect", "deploy/**"];
    const said = await hivectl("repo", "add", "notes", "--base", "trunk", "--author", "You <you@example.org>", ...options);
    expect(said.out).toContain("notes is added, empty: `npx hivectl repo remote notes --add`");
    expect(host.called("repo_create")).toEqual({
      name: "notes",
      base: "trunk",
      author: "You <you@example.org>",
      policy: "reviewed",
      reviewers: ["ada", "bob"],
      protected: ["deploy/**"],
    });
  });

  test("refuses a method or a policy that does not exist, and names those that do", async () => {
    expect((await hivectl("repo", "add", "web", "--merge", "octopus")).err).toContain("merge, squash, rebase");
    expect((await hivectl("repo", "set", "web", "--policy", "none")).err).toContain("operator, reviewed, checks");
  });
});

describe("repo set", () => {
  test("passes on what is given, and unsets with an empty text", async () => {
    host.answers.repo_set = { repo: aRepo("web") };
    await hivectl("repo", "set", "web", "--check", "", "--author", "", "--reviewer", "", "--protect", "");
    expect(host.called("repo_set")).toEqual({ name: "web", check: "", author: "", reviewers: [], protected: [] });
  });

  test("without a setting is a usage error", async () => {
    expect(await hivectl("repo", "set", "web")).toMatchObject({
      code: 2,
      err: expect.stringContaining("say what to set") as string,
    });
    expect(host.calls).toEqual([]);
  });
});

test("repo list and show print bases, queues and branches", async () => {
  const queues = [
    { base: "main", state: "busy" as const, change: 12, since: aRepo("web").created_at, waiting: [13, 14] },
    { base: "next", state: "stopped" as const, reason: "its upstream has other commits", waiting: [] },
  ];
  const repo = aRepo("web", {
    queues,
    reviewers: ["ada"],
    policy: "reviewed",
    bases: [
      { name: "main", sha: BASE },
      { name: "next", sha: SHA },
    ],
  });
  host.answers.repos = { repos: [repo] };
  host.answers.repo = { repo, branches: [{ agent: "scout", branch: "fix\u202E", sha: SHA }] };
  expect((await hivectl("repo", "list")).out).toMatch(
    /web +main +77c0de91aa04 .* merges change 12, 2 waiting; next: stopped +12.4MB +\/home/,
  );
  const { out } = await hivectl("repo", "show", "web");
  expect(out).toContain("merge      merge, policy reviewed\nreviewers  ada (no agent of this repository)\n");
  expect(out).toContain("queue of next stopped: its upstream has other commits\n");
  expect(out).toMatch(/\n {2}main +77c0de91aa04 +merges change 12, 2 waiting\n/);
  expect(out).toMatch(/\n {2}scout +fix⟨U\+202E⟩ +1bfaf24abcde/);
  expect(out).not.toContain("\u202E");
});

test("repo fetch exports the caller's own folder again, and no other", async () => {
  const clone = aClone();
  const folder = join(clone, ".git");
  const repo = aRepo("web", { upstream: folder });
  host.answers.repo = { repo, branches: [] };
  host.answers.repo_fetch = { repo, moved: [], diverged: [], gone: [] };
  await hivectl("repo", "fetch", "web");
  const nonce = readFileSync(join(folder, "hive-export"), "utf8").trim();
  expect(host.called("repo_fetch")).toEqual({ name: "web", nonce });
  rmSync(join(folder, "hive-export"));
  vi.spyOn(process, "geteuid").mockReturnValue(statSync(folder).uid + 1);
  await hivectl("repo", "fetch", "web");
  expect(host.calls.at(-1)?.input).toEqual({ name: "web" });
  expect(existsSync(join(folder, "hive-export"))).toBe(false);
});

test("an unknown repository is refused with the one that was probably meant", async () => {
  host.answers.repo = new HiveError("not_found", "there is no repository wbe: `hivectl repo list` lists them");
  host.answers.repos = { repos: [aRepo("api"), aRepo("web")] };
  expect((await hivectl("repo", "show", "wbe")).err).toBe(
    "hivectl: there is no repository wbe: `npx hivectl repo list` lists them; did you mean web?\n",
  );
  host.answers.repos = { repos: [aRepo("api")] };
  expect((await hivectl("repo", "show", "wbe")).err).not.toContain("did you mean");
});

test("repo fetch says what moved and what has diverged", async () => {
  const repo = aRepo("web");
  host.answers.repo = { repo, branches: [] };
  host.answers.repo_fetch = {
    repo,
    moved: [
      { base: "main", from: BASE, to: SHA },
      { base: "v2", to: SHA },
    ],
    diverged: ["next"],
    gone: ["old"],
  };
  expect((await hivectl("repo", "fetch", "web")).out).toMatch(
    /^main moved from 77c0de91aa04 to 1bfaf24abcde\nv2 is new at 1bfaf24abcde\nnext has diverged: [^\n]*\nold is gone from the folder: its changes are stale\n$/,
  );
  host.answers.repo_fetch = { repo, moved: [], diverged: [], gone: [] };
  expect((await hivectl("repo", "fetch", "web")).out).toBe("web is up to date\n");
});

test("repo push says where the branch is, and repo show which push failed", async () => {
  const failed = { base: "main", state: "failed" as const, reason: "hive/main is checked out there" };
  const repo = aRepo("web", { push: "after-merge", pushes: [failed] });
  host.answers.repo = { repo, branches: [] };
  const { out } = await hivectl("repo", "show", "web");
  expect(out).toContain("push       after-merge, as hive/<base>\n");
  expect(out).toContain(
    "hive/main is not up to date: hive/main is checked out there\n`npx hivectl repo push web --base main` tries again",
  );
  host.answers.repo_push = { repo, base: "main", sha: SHA, branch: "hive/main" };
  expect((await hivectl("repo", "push", "web")).out).toBe("hive/main of /home/you/src/web is at 1bfaf24abcde\n");
  expect(host.called("repo_push")).toEqual({ name: "web" });
  host.answers.repo_set = { repo };
  await hivectl("repo", "set", "web", "--push", "after-merge");
  expect(host.called("repo_set")).toEqual({ name: "web", push: "after-merge" });
});

test("repo set says when the check runs, and repo show says it if that is early", async () => {
  host.answers.repo = { repo: aRepo("web"), branches: [] };
  expect((await hivectl("repo", "show", "web")).out).not.toContain("check on");
  host.answers.repo = { repo: aRepo("web", { check_on: "propose" }), branches: [] };
  expect((await hivectl("repo", "show", "web")).out).toContain("check on   propose, and again at the merge\n");
  host.answers.repo_set = { repo: aRepo("web") };
  await hivectl("repo", "set", "web", "--check-on", "propose");
  expect(host.called("repo_set")).toEqual({ name: "web", check_on: "propose" });
  expect(await hivectl("repo", "set", "web", "--check-on", "push")).toMatchObject({ code: 2 });
});

describe("repo reconcile", () => {
  beforeEach(() => {
    host.answers.repo_divergence = aDivergence({ ours: { ...aDivergence().ours, count: 200 } });
    host.answers.repo_reconcile = { repo: aRepo("web"), base: "main", from: BASE, to: SHA, kept: "refs/kept/1/main" };
  });

  test("without a way shows both sides, what a reset takes out, and the ways", async () => {
    const { out } = await hivectl("repo", "reconcile", "web");
    expect(out).toContain(
      "the hive has main at 77c0de91aa04, with 200 commits that the other lacks:\n  77c0de91aa04 Merge scout/log",
    );
    expect(out).toContain("  and 198 more\nthe upstream has main at 1bfaf24abcde, with 1 commit that the other lacks:\n");
    expect(out).toContain("A reset takes 1 merged change out of main:\n  change 11 of scout: One line of log for each fetch\n");
    expect(out).toContain("repo reconcile web merge --base main` merges both\n");
    expect(host.calls.map((one) => one.name)).toEqual(["repo_divergence"]);
  });

  test("reset shows what it undoes, wants a yes, and names the tips that were shown", async () => {
    expect(await hivectl("repo", "reconcile", "web", "reset")).toMatchObject({
      code: 2,
      err: expect.stringContaining('"reset main to 1bfaf24abcde, which takes 1 merged change out of it?"') as string,
    });
    expect(host.called("repo_reconcile")).toBeUndefined();
    const { out } = await hivectl("repo", "reconcile", "web", "reset", "--yes");
    expect(out).toContain("A reset takes 1 merged change out of main:");
    expect(out).toMatch(/main moved from 77c0de91aa04 to 1bfaf24abcde; refs\/kept\/1\/main keeps the old tip/);
    expect(host.called("repo_reconcile")).toEqual({ name: "web", base: "main", by: "reset", ours: BASE, upstream: SHA });
  });

  test("merge and undo say where the base is, and another way is a usage error", async () => {
    expect((await hivectl("repo", "reconcile", "web", "merge", "--base", "next")).out).toContain("which contains both sides");
    expect(host.called("repo_reconcile")).toEqual({ name: "web", base: "next", by: "merge" });
    const queues = [{ base: "main", state: "stopped" as const, diverged: true, waiting: [] }];
    host.answers.repo_reconcile = { repo: aRepo("web", { queues }), base: "main", from: BASE, to: SHA };
    expect((await hivectl("repo", "reconcile", "web", "undo")).out).toContain("it has diverged from its upstream again");
    expect(await hivectl("repo", "reconcile", "web", "force")).toMatchObject({ code: 2 });
  });
});

test("repo gc says what was removed, and what a dry run would remove", async () => {
  const [before, after] = [
    { objects: 1200, bytes: 12_400_000 },
    { objects: 1, bytes: 4_000 },
  ];
  host.answers = { repo_gc: () => ({ before, after, branches: ["scout/old"], stopped: ["scout"] }) };
  const done = await hivectl("repo", "gc", "web", "--now");
  expect(done).toMatchObject({ code: 0, err: "" });
  expect(done.out).toBe(
    "web: 1200 objects, 12.4MB before; 1 object, 4.0kB after\n" +
      "branches that were last pushed more than 30 days ago are removed: scout/old\n" +
      "stopped meanwhile, and started again: scout\n",
  );
  expect((await hivectl("repo", "gc", "web", "--dry-run")).out).toContain("would be left");
  expect(host.calls.filter(({ name }) => name === "repo_gc").map(({ input }) => input)).toEqual([
    { name: "web", now: true, dry_run: false },
    { name: "web", now: false, dry_run: true },
  ]);
});

test("repo remove says which file exports the folder, unless another repository follows it", async () => {
  host.answers.repo = { repo: aRepo("web"), branches: [] };
  host.answers.repos = { repos: [aRepo("sub", { upstream: "/home/you/src/web" })] };
  expect((await hivectl("repo", "remove", "web", "--yes")).out).toBe("web is removed\n");
  host.answers.repos = { repos: [] };
  expect((await hivectl("repo", "remove", "web", "--yes")).out).toContain(
    "web is removed; /home/you/src/web/hive-export may be removed",
  );
});

describe("the remote of a clone", () => {
  const url = "http://127.0.0.1:7000/git/web";
  const token = { url, token: "t0ken", expires_at: "2030-01-01T00:00:00Z" };
  const inside = (clone: string, ...words: string[]): Promise<Said> => {
    vi.spyOn(process, "cwd").mockReturnValue(clone);
    return hivectl(...words);
  };
  beforeEach(() => {
    host.answers.repo_token = token;
  });

  test("is printed, and with --add added with a helper for this address only", async () => {
    const clone = aClone();
    expect((await inside(clone, "repo", "remote", "web")).out).toBe(`${url}\n`);
    expect(git(clone, "remote")).toBe("");
    for (let time = 0; time < 2; time++) expect((await inside(clone, "repo", "remote", "web", clone, "--add")).code).toBe(0);
    expect(git(clone, "remote", "get-url", "hive")).toBe(url);
    // The first, empty entry keeps other helpers from storing the token.
    const helpers = execFileSync("git", ["-C", clone, "config", "--get-all", `credential.${url}.helper`], { encoding: "utf8" });
    expect(helpers.split("\n")).toEqual(["", expect.stringMatching(/^!.* --socket '.*host\.sock' repo credential web$/), ""]);
  });

  test("follows the address of the same repository, and leaves another remote alone", async () => {
    const clone = aClone();
    git(clone, "remote", "add", "hive", "http://127.0.0.1:9/git/web");
    git(clone, "config", "credential.http://127.0.0.1:9/git/web.helper", "!old");
    expect((await inside(clone, "repo", "remote", "web", clone, "--add")).code).toBe(0);
    expect(git(clone, "config", "--local", "--get-regexp", "^credential")).not.toContain("old");
    git(clone, "remote", "set-url", "hive", "http://127.0.0.1:9/git/api");
    const said = await inside(clone, "repo", "remote", "web", clone, "--add");
    expect(said.err).toContain("has a remote hive already, http://127.0.0.1:9/git/api: rename it");
    expect(git(clone, "remote", "get-url", "hive")).toBe("http://127.0.0.1:9/git/api");
  });

  test("goes to the folder that the repository follows, wherever the command runs", async () => {
    const [followed, here] = [aClone(), aClone()];
    host.answers.repo = { repo: aRepo("web", { upstream: join(followed, ".git") }), branches: [] };
    expect((await inside(here, "repo", "remote", "web", "--add")).out).toContain(join(followed, ".git"));
    expect(git(followed, "remote", "get-url", "hive")).toBe(url);
    expect(git(here, "remote")).toBe("");
  });

  test("outside a clone cannot be added", async () => {
    expect((await inside(tmpdir(), "repo", "remote", "web", tmpdir(), "--add")).err).toContain("is not a git repository");
  });

  const ask = (input: string, operation = "get"): Promise<Said> =>
    cliInsideWith(input, "--socket", host.socket, "repo", "credential", "web", operation);

  test("gets a token from the helper, and only for the hive's address", async () => {
    const answer = "username=hive\npassword=t0ken\npassword_expiry_utc=1893456000\n";
    expect(await ask("protocol=http\nhost=127.0.0.1:7000\npath=git/web\n\n")).toEqual({ code: 0, out: answer, err: "" });
    expect((await ask("")).out).toBe(answer);
    for (const other of [
      "protocol=http\nhost=example.org\n",
      "protocol=https\nhost=127.0.0.1:7000\n",
      "protocol=http\nhost=127.0.0.1\n",
    ])
      expect(await ask(other)).toEqual({ code: 0, out: "", err: "" });
  });

  test("stores nothing with the helper", async () => {
    for (const operation of ["store", "erase", "capability"])
      expect(await ask("protocol=http\nhost=127.0.0.1:7000\npassword=t0ken\n", operation)).toEqual({ code: 0, out: "", err: "" });
    expect(host.calls).toEqual([]);
  });
});

describe("repo include", () => {
  const sent = (): unknown[] =>
    host.calls
      .filter(({ name }) => name === "repo_include")
      .map(({ input }) => [input["path"], input["content"], input["executable"]]);
  const base64 = (text: string): string => Buffer.from(text).toString("base64");

  test("sends files with their paths below the current folder, or their names", async () => {
    const folder = join(home, "include");
    mkdirSync(join(folder, "config"), { recursive: true });
    writeFileSync(join(folder, ".env"), "KEY=1");
    writeFileSync(join(folder, "config/run"), "x", { mode: 0o755 });
    writeFileSync(join(home, "outside"), "");
    const file = { path: ".env", bytes: 5, executable: false, added_at: aRepo("web").created_at };
    host.answers.repo_includes = { files: [file] };
    host.answers.repo_include = { file };
    const before = process.cwd();
    process.chdir(folder);
    const said = await hivectl("repo", "include", "web", "./.env", "config/run", "../outside").finally(() =>
      process.chdir(before),
    );
    expect(said).toMatchObject({ code: 0, err: "" });
    expect(sent()).toEqual([
      [".env", base64("KEY=1"), false],
      ["config/run", base64("x"), true],
      ["outside", "", false],
    ]);
    expect(said.out).toMatch(/^fresh workspaces of web get 1 file:\n[^\n]*\n\.env +5B/);
    host.calls = [];
    await hivectl("repo", "include", "web", join(folder, ".env"), "--as", "deploy/.env");
    expect(sent()).toEqual([["deploy/.env", base64("KEY=1"), false]]);
  });

  test("refuses what is no plain file of a bounded size, before anything is sent", async () => {
    const good = join(home, "good");
    writeFileSync(good, "");
    writeFileSync(join(home, "large"), Buffer.alloc(1024 * 1024 + 1));
    execFileSync("mkfifo", [join(home, "fifo")]);
    for (const [name, words] of [
      ["large", "is larger than"],
      ["fifo", "is no file"],
      ["none", "does not exist"],
      [".", "cannot be a path"],
    ] as const) {
      const said = await hivectl("repo", "include", "web", good, name === "." ? "." : join(home, name));
      expect(said.code).toBe(2);
      expect(said.err).toContain(words);
    }
    const inside = await hivectl("repo", "include", "web", good, "--as", ".git/hooks/post-checkout");
    expect(inside.err).toContain(".git/hooks/post-checkout cannot be a path in a workspace");
    for (const words of [[], [good, "--list"], [good, good, "--as", "x"], ["--list", "--remove", "x"]])
      expect((await hivectl("repo", "include", "web", ...words)).code).toBe(2);
    expect(host.calls).toEqual([]);
  });

  test("lists and removes", async () => {
    host.answers.repo_includes = { files: [] };
    expect((await hivectl("repo", "include", "web", "--list")).out).toContain("web has no included files");
    expect((await hivectl("repo", "include", "web", "--remove", ".env")).out).toBe(
      ".env is not copied into fresh workspaces of web any more\n",
    );
    expect(host.called("repo_include_remove")).toEqual({ name: "web", path: ".env" });
  });
});

test("workspaces are listed with what has become of them, and dropped", async () => {
  host.answers.workspaces = {
    workspaces: [
      { agent: "scout", repo: "web", in_config: true, bytes: 2_000_000 },
      { agent: "scout", repo: "old", in_config: false },
    ],
  };
  const { out } = await hivectl("work", "list", "@scout");
  expect(out).toMatch(/scout +web +2M?B? *.*in use\n.*scout +old +not measured +not in its config any more\n$/s);
  expect(host.called("workspaces")).toEqual({ name: "scout" });
  host.answers.workspaces = { workspaces: [] };
  expect((await hivectl("work", "list")).out).toBe("there is no workspace\n");
  expect((await hivectl("work", "drop", "scout", "old", "--yes")).out).toBe("the workspace old of scout is removed\n");
  expect(host.called("workspace_drop")).toEqual({ name: "scout", repo: "old" });
});
