import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { ClonesCli, git } from "../../../test/lib/clones-cli.ts";
import { aDivergence, aRepo, BASE, SHA } from "../../../test/lib/fixtures.ts";
import type { Said, StubHost } from "../../../test/lib/stub-host.ts";
import { HiveError } from "../../wire/error.ts";
import { exportFolder } from "../export-mark.ts";

/** The verbs for repositories, with real git and a stub of the daemon. */

let cli: ClonesCli;
let host: StubHost;
let home: string;
beforeAll(async () => {
  cli = await ClonesCli.start();
  ({ host, home } = cli);
});
afterAll(() => cli.dispose());
beforeEach(() => {
  host.calls = [];
  host.answers = { repo_add: () => added({ progress: "copying 3.5 MiB" }, { repo: aRepo("web") }) };
});
afterEach(() => vi.restoreAllMocks());

const hivectl = (...words: string[]): Promise<Said> => cli.hivectl(...words);
const aClone = (): string => cli.aClone();

async function* added(...steps: object[]): AsyncGenerator<object> {
  yield* steps;
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

  test("tells of files that are in no commit, which agents do not see", async () => {
    const clone = aClone();
    writeFileSync(join(clone, "new.txt"), "x");
    expect((await hivectl("repo", "add", "web", clone)).out).toMatch(/\n1 file there is not committed: agents do not see it\n$/);
    writeFileSync(join(clone, "other.txt"), "x");
    expect((await hivectl("repo", "add", "web", clone)).out).toMatch(
      /\n2 files there are not committed: agents do not see them\n$/,
    );
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

  test.each(["http://example.org/o/web.git", "ssh://example.org/web", "file:///srv/web.git"])(
    "refuses the address %s",
    async (address) => {
      const said = await hivectl("repo", "add", "web", address);
      expect(said.code).toBe(2);
      expect(said.err).toMatch(/use https|an ssh address names its user|an address begins with https/);
      expect(host.calls).toEqual([]);
    },
  );

  test("of an address passes it on, with what it takes, and never asks for a folder", async () => {
    host.answers.repo_add_remote = () => added({ repo: aRepo("web") });
    expect(await hivectl("repo", "add", "web", "https://example.org/o/web.git", "--private")).toMatchObject({ code: 0 });
    expect(host.calls.filter(({ name }) => name === "repo_add_remote").map(({ input }) => input)).toEqual([
      { name: "web", address: "https://example.org/o/web.git", private: true },
    ]);
    expect((await hivectl("repo", "add", "web", ".", "--private")).err).toContain("are for an address");
    expect((await hivectl("repo", "add", "web", ".", "--forge-token-stdin")).err).toContain("are for an address");
    // Without --forge the host may have declared it: the hive knows.
    const unused = await hivectl("repo", "add", "web", "https://example.org/o/web.git", "--forge", "none", "--forge-token-stdin");
    expect(unused).toMatchObject({ code: 2, err: expect.stringContaining("--forge names the program of the host") });
    const both = ["--forge", "github", "--key-stdin", "--forge-token-stdin"];
    const mixed = await hivectl("repo", "add", "web", "git@example.org:o/web.git", ...both);
    expect(mixed).toMatchObject({ code: 2, err: expect.stringContaining("repo login web --forge-token-stdin") });
  });

  test("without a folder makes an empty repository with its settings", async () => {
    host.answers.repo_create = { repo: { ...aRepo("notes", { bases: [] }), upstream: undefined } };
    const options = [
      "--policy",
      "reviewed",
      "--reviewer",
      "ada",
      "--reviewer",
      "bob",
      "--protect",
      "deploy/**",
      "--egress",
      "go",
      "--egress",
      "a.example",
    ];
    const said = await hivectl("repo", "add", "notes", "--base", "trunk", "--author", "You <you@example.org>", ...options);
    expect(said.out).toContain("notes is added, empty: `npx hivectl repo remote notes --add`");
    expect(host.called("repo_create")).toEqual({
      name: "notes",
      base: "trunk",
      author: "You <you@example.org>",
      policy: "reviewed",
      reviewers: ["ada", "bob"],
      protected: ["deploy/**"],
      egress: ["proxy.golang.org", "sum.golang.org", "a.example"],
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
    expect(await hivectl("repo", "set", "web", "--egress", "nmp")).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--egress: nmp is no host .*did you mean npm\?/) as string,
    });
    expect(host.calls).toEqual([]);
    await hivectl("repo", "set", "web", "--check", "", "--author", "", "--reviewer", "", "--protect", "", "--egress", "");
    expect(host.called("repo_set")).toEqual({ name: "web", check: "", author: "", reviewers: [], protected: [], egress: [] });
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
    /web +main +77c0de91aa04 .* merges change 12, 2 waiting; next: stopped +12 MiB +\/home/,
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
    /^main moved from 77c0de91aa04 to 1bfaf24abcde\nv2 is new at 1bfaf24abcde\nnext has diverged: [^\n]*\nold is gone from what it follows: its changes are stale\n$/,
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
    "web: 1200 objects, 12 MiB before; 1 object, 3.9 KiB after\n" +
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
