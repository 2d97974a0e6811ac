import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { cliInsideWith } from "../../../test/lib/cli-inside.ts";
import { ClonesCli, git } from "../../../test/lib/clones-cli.ts";
import { aRepo } from "../../../test/lib/fixtures.ts";
import type { Said, StubHost } from "../../../test/lib/stub-host.ts";

/** The verbs for clones of a repository, the caller's and the agents', with real git and a stub of the daemon. */

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
  host.answers = {};
});
afterEach(() => vi.restoreAllMocks());

const hivectl = (...words: string[]): Promise<Said> => cli.hivectl(...words);
const aClone = (): string => cli.aClone();

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

  test("goes to the clone in which the command runs, of the folder that the repository follows", async () => {
    const followed = aClone();
    host.answers.repo = { repo: aRepo("web", { upstream: join(followed, ".git") }), branches: [] };
    for (const from of [followed, `file://${followed}/.git`]) {
      const here = aClone();
      git(here, "remote", "add", "origin", from);
      expect((await inside(here, "repo", "remote", "web", "--add")).out).toContain(here);
      expect(git(here, "remote", "get-url", "hive")).toBe(url);
      // Once more, also without that remote.
      git(here, "remote", "remove", "origin");
      expect((await inside(here, "repo", "remote", "web", "--add")).out).toContain(here);
    }
    expect(git(followed, "remote")).toBe("");
  });

  test("goes to the folder in which the command runs if the repository follows another host", async () => {
    const here = aClone();
    host.answers.repo = { repo: aRepo("web", { upstream: "https://example.org/o/web.git" }), branches: [] };
    expect((await inside(here, "repo", "remote", "web", "--add")).out).toContain(here);
    expect(git(here, "remote", "get-url", "hive")).toBe(url);
  });

  test("goes to the folder that the repository follows if the command runs in no clone of it", async () => {
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

  test("says how to name the hive anew if it has moved", async () => {
    const said = await cliInsideWith("", "--socket", join(host.folder, "moved.sock"), "repo", "credential", "web", "get");
    expect(said).toMatchObject({ code: 3, out: "" });
    expect(said.err).toMatch(
      /no hive answers on .*moved\.sock: .*; if the hive has moved, run `npx hivectl repo remote web --add` in the clone again\n$/,
    );
  });

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
    expect(said.out).toMatch(/^fresh workspaces of web get 1 file:\n[^\n]*\n\.env +5 B/);
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
  expect(out).toMatch(/scout +web +1\.9 MiB +in use\n.*scout +old +not measured +not in its config any more\n$/s);
  expect(host.called("workspaces")).toEqual({ name: "scout" });
  host.answers.workspaces = { workspaces: [] };
  expect((await hivectl("work", "list")).out).toBe("there is no workspace\n");
  expect((await hivectl("work", "drop", "scout", "old", "--yes")).out).toBe("the workspace old of scout is removed\n");
  expect(host.called("workspace_drop")).toEqual({ name: "scout", repo: "old" });
});
