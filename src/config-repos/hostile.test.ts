import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { constants, deflateRawSync, deflateSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { TreeFile } from "../wire/approval.ts";
import { sandboxedRun } from "../os/sandboxed-run.ts";
import { bwrapPlatform } from "../platforms/bwrap/platform.ts";
import { openRepos } from "./index.ts";
import { commitObject, packOf, treeObjects, type GitObject } from "./objects.ts";
import { FETCH_LIMITS, safeFetch, type FetchLimits } from "./safe-fetch.ts";
import { RepoRefusal, type AppliedRepo, type ProposedRepo, type Repos } from "./types.ts";

/**
 * Hostile proposed repositories, each built with the real git and fetched as the daemon does. The result must be a
 * refusal with the reason, or the plain commit and nothing else: no program of theirs run, no ref created, no foreign
 * object in our store, nothing left behind.
 */

const AS_ROOT = process.getuid?.() === 0;
/** The owner of proposed repositories: a separate uid if root can assign one. */
const OWNER = AS_ROOT ? { uid: 210_001, gid: 210_001 } : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const FACTS = { author: "hm1nd", at: 1_700_000_000_000, message: "words" };

let root: string;
let repos: Repos;
let applied: AppliedRepo;
let repo: ProposedRepo;
let base: string;
/** A program that leaves a trace on the host if anything runs it. */
let canary: string;

/** What every test begins with, with the owners of its files. */
let fresh: string;

beforeAll(async () => {
  const top = realpathSync(mkdtempSync(join(tmpdir(), "hostile-")));
  chmodSync(top, 0o755);
  root = join(top, "now");
  fresh = join(top, "fresh");
  mkdirSync(root);
  repos = await openRepos(paths(), bwrapPlatform());
  applied = repos.applied("coder");
  await applied.ensure();
  base = await applied.commit([file("agent.json", "{}\n")], [], FACTS);
  await applied.moveMain(base, undefined);
  repo = await repos.ensureProposed("coder", base, OWNER);
  canary = join(root, "canary");
  mkdirSync(join(root, "traces"));
  chmodSync(join(root, "traces"), 0o777);
  writeFileSync(canary, `#!/bin/sh\ntouch ${root}/traces/ran.$$\necho CANARY >&2\nexit 1\n`, { mode: 0o755 });
  renameSync(root, fresh);
});
beforeEach(async () => {
  // At the path that its files name.
  execFileSync("cp", ["-a", fresh, root]);
  repos = await openRepos(paths(), bwrapPlatform());
  applied = repos.applied("coder");
});
afterEach(() => {
  try {
    expect(readdirSync(join(root, "traces")), "a program of the proposal was run").toEqual([]);
    expect(readdirSync(paths().scratch), "something was left behind").toEqual([]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
afterAll(() => rmSync(dirname(root), { recursive: true, force: true }));

const paths = (): { proposed: string; applied: string; meta: string; scratch: string } => ({
  proposed: join(root, "proposed"),
  applied: join(root, "applied"),
  meta: join(root, "meta"),
  scratch: join(root, "scratch"),
});
function file(path: string, text: string | Buffer, mode: TreeFile["mode"] = "100644"): TreeFile {
  return { path, mode, base64: Buffer.from(text).toString("base64") };
}
const gitDir = (): string => join(repo.folder, ".git");

/** Plain git, as the manager uses it. */
function git(folder: string, argv: string[], input?: Buffer | string): string {
  const env = { PATH: process.env.PATH ?? "", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", HOME: root };
  const who = ["-c", "user.name=hm1nd", "-c", "user.email=hm1nd@hive.invalid", "-c", "safe.directory=*"];
  return execFileSync("git", [...who, "-C", folder, ...argv], {
    env,
    encoding: "utf8",
    input,
    stdio: ["pipe", "pipe", "pipe"],
  }).trim();
}
/** Writes files and commits them. */
function commit(files: Record<string, string>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(repo.folder, path)), { recursive: true });
    writeFileSync(join(repo.folder, path), text);
  }
  git(repo.folder, ["add", "-A"]);
  git(repo.folder, ["commit", "-qm", "change"]);
  return git(repo.folder, ["rev-parse", "HEAD"]);
}
/** Puts objects that git itself would not create into the proposed repository. Returns the name of the last. */
function put(...objects: GitObject[]): string {
  git(repo.folder, ["unpack-objects", "-q"], packOf(objects));
  return objects.at(-1)?.sha ?? "";
}
function rawObject(kind: GitObject["kind"], body: Buffer): GitObject {
  return { kind, body, sha: createHash("sha1").update(`${kind} ${body.length}\0`).update(body).digest("hex") };
}
function entry(mode: string, name: string | Buffer, sha: string): Buffer {
  return Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), Buffer.from(sha, "hex")]);
}
/** A commit of a tree with these raw entries, on top of the running commit. */
function rawCommit(entries: Buffer[], ...others: GitObject[]): string {
  const tree = rawObject("tree", Buffer.concat(entries));
  return put(...others, tree, commitObject(tree.sha, [base], FACTS));
}
const BLOB = rawObject("blob", Buffer.from("x"));

/** Fetches as the daemon does. Everything in the repository is given to the owner first. */
async function ask(sha: string, limits?: Partial<FetchLimits>): Promise<void> {
  if (AS_ROOT) execFileSync("chown", ["-Rh", `${OWNER.uid}:${OWNER.gid}`, repo.folder]);
  await safeFetch({
    sandboxedRun,
    into: applied.folder,
    from: repo,
    sha,
    scratch: paths().scratch,
    limits: { ...FETCH_LIMITS, ...limits },
  });
}
/** Expects a refusal with these words and an unchanged repository on our side. */
async function refused(sha: string, words: RegExp, limits?: Partial<FetchLimits>): Promise<void> {
  const before = storeOf();
  const error = await ask(sha, limits).then(
    () => undefined,
    (one: unknown) => one,
  );
  expect(error).toBeInstanceOf(RepoRefusal);
  expect((error as Error).message).toMatch(words);
  expect(storeOf()).toEqual(before);
}
/** Every file in our repository. */
function storeOf(): string[] {
  return readdirSync(applied.folder, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(applied.folder, name)).isFile())
    .sort();
}
const refs = async (): Promise<[string, string][]> => [...(await applied.refs())];

describe("programs in a proposal are never run", () => {
  test("hooks of every kind", async () => {
    const names = ["pre-upload-pack", "pre-receive", "update", "post-update", "reference-transaction", "post-index-change"];
    const sha = commit({ "agent.json": `{"model":"opus"}` });
    for (const name of [...names, "pre-commit", "post-checkout"]) {
      rmSync(join(gitDir(), "hooks", name), { force: true });
      mkdirSync(join(gitDir(), "hooks"), { recursive: true });
      symlinkSync(canary, join(gitDir(), "hooks", name));
    }
    await ask(sha);
    expect(await applied.has(sha)).toBe(true);
    expect(await refs()).toEqual([["refs/heads/main", base]]);
    trapWorks(() => git(repo.folder, ["commit", "-qm", "x", "--allow-empty"]));
  });

  test("every setting that names a program", async () => {
    const sha = commit({ "agent.json": `{"model":"opus"}` });
    const keys = ["core.fsmonitor", "uploadpack.packObjectsHook", "core.sshCommand", "core.pager", "core.editor"];
    const more = [
      "core.askPass",
      "diff.external",
      "gpg.program",
      "core.alternateRefsCommand",
      "credential.helper",
      "core.gitProxy",
    ];
    for (const key of [...keys, ...more]) git(repo.folder, ["config", key, canary]);
    git(repo.folder, ["config", "core.hooksPath", root]);
    git(repo.folder, ["config", "alias.pack-objects", `!${canary}`]);
    git(repo.folder, ["config", "include.path", join(root, "more-config")]);
    writeFileSync(join(root, "more-config"), `[core]\n\tfsmonitor = ${canary}\n`);
    await ask(sha);
    expect(await applied.has(sha)).toBe(true);
    trapWorks(() => git(repo.folder, ["status"]));
  });

  test("filters, textconv and drivers in .gitattributes; and nothing hides from the diff", async () => {
    const attributes = "* filter=evil diff=evil merge=evil -text\n*.md -diff binary\nagent.json export-ignore ident\n";
    const sha = commit({ ".gitattributes": attributes, "INSTRUCTIONS.md": "do harm\n", "agent.json": `{"model":"opus"}\n` });
    for (const key of [
      "filter.evil.clean",
      "filter.evil.smudge",
      "filter.evil.process",
      "diff.evil.textconv",
      "diff.evil.command",
    ])
      git(repo.folder, ["config", key, canary]);
    await ask(sha);
    // Also once it runs, because newer versions of git read attributes from HEAD.
    await applied.moveMain(sha, base);
    const files = await applied.diff(base, sha);
    expect(files.map(({ path, hunks }) => [path, hunks.length > 0, hunks.includes("+do harm")])).toEqual([
      [".gitattributes", true, false],
      ["INSTRUCTIONS.md", true, true],
      ["agent.json", true, false],
    ]);
    const config = (await applied.files(sha)).find(({ path }) => path === "agent.json");
    expect(Buffer.from(config?.base64 ?? "", "base64").toString()).toBe(`{"model":"opus"}\n`);
    trapWorks(() => git(repo.folder, ["diff", "HEAD~1"]));
  });

  test("a partial clone whose missing objects would be fetched through ext:: or file://", async () => {
    const sha = commit({ big: "would be fetched on demand" });
    const blob = git(repo.folder, ["rev-parse", `${sha}:big`]);
    rmSync(join(gitDir(), "objects", blob.slice(0, 2), blob.slice(2)));
    git(repo.folder, ["config", "core.repositoryFormatVersion", "1"]);
    git(repo.folder, ["config", "extensions.partialClone", "evil"]);
    git(repo.folder, ["config", "remote.evil.promisor", "true"]);
    git(repo.folder, ["config", "protocol.allow", "always"]);
    for (const url of [`ext::${canary}`, `file://${applied.folder}`]) {
      git(repo.folder, ["config", "remote.evil.url", url]);
      await refused(sha, /is not whole: objects are missing/);
    }
    git(repo.folder, ["config", "remote.evil.url", `ext::${canary}`]);
    trapWorks(() => git(repo.folder, ["cat-file", "-p", blob]));
  });

  /** Verifies that the trap is real: careless git runs into it. */
  function trapWorks(careless: () => unknown): void {
    expect(readdirSync(join(root, "traces")), "a program of the proposal was run").toEqual([]);
    try {
      careless();
    } catch {
      // The canary exits with an error.
    }
    expect(readdirSync(join(root, "traces")).length, "the trap itself does not work").toBeGreaterThan(0);
    for (const name of readdirSync(join(root, "traces"))) rmSync(join(root, "traces", name));
  }
});

describe("nothing is forged", () => {
  test("forged tags are not copied, and their objects are not commits", async () => {
    const sha = commit({ "agent.json": `{"model":"opus"}` });
    for (const name of ["approved/1", "deployed/1", "proposal/2"]) git(repo.folder, ["tag", "-a", "-m", "forged", name, sha]);
    git(repo.folder, ["update-ref", "refs/heads/approved/1", sha]);
    await ask(sha);
    expect(await refs()).toEqual([["refs/heads/main", base]]);
    await refused(git(repo.folder, ["rev-parse", "deployed/1"]), /is not a commit/);
    await refused(git(repo.folder, ["rev-parse", `${sha}^{tree}`]), /is not a commit/);
    await refused(git(repo.folder, ["rev-parse", `${sha}:agent.json`]), /is not a commit/);
  });

  test.each([
    "--upload-pack=touch x",
    "HEAD",
    "main",
    "deployed/1",
    "",
    `${"a".repeat(40)}\n`,
    "A".repeat(40),
    "^".repeat(40),
    "a".repeat(39),
  ])("a name that is not a full object name is refused: %j", async (name) => {
    await refused(name, /a commit is named by its full 40 hex digits/);
  });

  test("a commit that does not exist, although a branch has its name", async () => {
    const absent = "0123456789".repeat(4);
    git(repo.folder, ["update-ref", `refs/heads/${absent}`, "HEAD"]);
    git(repo.folder, ["update-ref", "refs/heads/--upload-pack=x", "HEAD"]);
    await refused(absent, /is not in the proposed repository/);
  });

  test("replaced objects, grafts and a shallow file do not change what a name means", async () => {
    const good = commit({ "agent.json": `{"model":"opus"}` });
    const bad = commit({ "agent.json": `{"model":"evil"}`, more: "more" });
    git(repo.folder, ["replace", good, bad]);
    mkdirSync(join(gitDir(), "info"), { recursive: true });
    writeFileSync(join(gitDir(), "info/grafts"), `${good}\n`);
    writeFileSync(join(gitDir(), "shallow"), `${good}\n`);
    await ask(good);
    expect((await applied.files(good)).map(({ path }) => path)).toEqual(["agent.json"]);
    expect(await applied.firstParent(good)).toBe(base);
  });

  test("an object under the name of another", async () => {
    const sha = commit({ "agent.json": `{"model":"opus"}`, other: "x" });
    const at = (name: string): string => {
      const object = git(repo.folder, ["rev-parse", `${sha}:${name}`]);
      return join(gitDir(), "objects", object.slice(0, 2), object.slice(2));
    };
    rmSync(at("agent.json"));
    renameSync(at("other"), at("agent.json"));
    writeFileSync(at("other"), deflateSync("blob 1\0x"));
    await refused(sha, /refuses the proposal|is not whole|gave up/);
  });

  test("a commit-graph with a false tree", async () => {
    const one = commit({ "agent.json": `{"model":"opus"}` });
    const two = commit({ "agent.json": `{"model":"evil"}` });
    git(repo.folder, ["commit-graph", "write", "--reachable"]);
    const graph = join(gitDir(), "objects/info/commit-graph");
    const bytes = execFileSync("cat", [graph]);
    const [from, to] = [git(repo.folder, ["rev-parse", `${one}^{tree}`]), git(repo.folder, ["rev-parse", `${two}^{tree}`])];
    const where = bytes.indexOf(Buffer.from(from, "hex"));
    expect(where).toBeGreaterThan(0);
    Buffer.from(to, "hex").copy(bytes, where);
    chmodSync(graph, 0o644);
    writeFileSync(graph, bytes);
    await ask(one);
    expect(await applied.treeOf(one)).toBe(from);
  });
});

describe("nothing leaks", () => {
  let victim: string;
  let secret: { commit: string; blob: string };
  beforeEach(() => {
    victim = join(root, "victim");
    execFileSync("git", ["init", "-q", victim]);
    writeFileSync(join(victim, "secret"), "the secret of another");
    git(victim, ["add", "-A"]);
    git(victim, ["commit", "-qm", "secret"]);
    secret = { commit: git(victim, ["rev-parse", "HEAD"]), blob: git(victim, ["rev-parse", "HEAD:secret"]) };
    execFileSync("chmod", ["-R", "a+rX", victim]);
  });

  test("objects borrowed through alternates", async () => {
    mkdirSync(join(gitDir(), "objects/info"), { recursive: true });
    writeFileSync(join(gitDir(), "objects/info/alternates"), `${victim}/.git/objects\n`);
    expect(git(repo.folder, ["cat-file", "-t", secret.commit])).toBe("commit");
    await refused(secret.commit, /is not in the proposed repository/);
    await refused(rawCommit([entry("100644", "stolen", secret.blob)]), /is not whole/);
  });

  test("objects behind a link", async () => {
    const from = join(victim, ".git/objects", secret.blob.slice(0, 2));
    rmSync(join(gitDir(), "objects", secret.blob.slice(0, 2)), { recursive: true, force: true });
    symlinkSync(from, join(gitDir(), "objects", secret.blob.slice(0, 2)));
    expect(git(repo.folder, ["cat-file", "-p", secret.blob])).toBe("the secret of another");
    await refused(rawCommit([entry("100644", "stolen", secret.blob)]), /is not whole/);
    rmSync(join(gitDir(), "objects"), { recursive: true });
    symlinkSync(join(victim, ".git/objects"), join(gitDir(), "objects"));
    await refused(secret.commit, /is not in the proposed repository/);
  });

  test(".git as a file, as a link, or missing", async () => {
    const sha = commit({ "agent.json": `{"model":"opus"}` });
    const moved = join(root, "moved");
    renameSync(gitDir(), moved);
    for (const target of [moved, join(victim, ".git")]) {
      writeFileSync(gitDir(), `gitdir: ${target}\n`);
      await refused(target === moved ? sha : secret.commit, /`\.git` of the proposal is not a folder/);
      rmSync(gitDir());
      symlinkSync(target, gitDir());
      await refused(target === moved ? sha : secret.commit, /`\.git` of the proposal is not a folder/);
      rmSync(gitDir());
    }
    await refused(sha, /`\.git` of the proposal is not a folder/);
    renameSync(moved, gitDir());
    writeFileSync(join(gitDir(), "commondir"), `${victim}/.git\n`);
    expect(git(repo.folder, ["cat-file", "-t", secret.commit])).toBe("commit");
    await refused(secret.commit, /is not in the proposed repository/);
    await ask(sha);
  });

  test("a file that its owner may not read is not read for it", async () => {
    const sha = commit({ "agent.json": `{"model":"opus"}` });
    const blob = git(repo.folder, ["rev-parse", `${sha}:agent.json`]);
    const path = join(gitDir(), "objects", blob.slice(0, 2), blob.slice(2));
    if (AS_ROOT) execFileSync("chown", ["-Rh", `${OWNER.uid}:${OWNER.gid}`, repo.folder]);
    if (AS_ROOT) execFileSync("chown", ["0:0", path]);
    // Root could read it in either case; its owner cannot.
    chmodSync(path, AS_ROOT ? 0o400 : 0);
    const from = repo;
    const fetching = safeFetch({ sandboxedRun, into: applied.folder, from, sha, scratch: paths().scratch });
    await expect(fetching).rejects.toThrow(/is not whole/);
  });

  test.each(["the agent's folder", "the repository"])("%s replaced by a link to another repository", async (which) => {
    const place = which === "the repository" ? repo.folder : dirname(repo.folder);
    const target = join(root, "elsewhere");
    mkdirSync(target);
    renameSync(victim, join(target, "config"));
    rmSync(place, { recursive: true });
    symlinkSync(which === "the repository" ? join(target, "config") : target, place);
    expect(git(repo.folder, ["cat-file", "-t", secret.commit])).toBe("commit");
    const fetching = safeFetch({ sandboxedRun, into: applied.folder, from: repo, sha: secret.commit, scratch: paths().scratch });
    await expect(fetching).rejects.toThrow(/there is no proposed repository|it is a link/);
    await expect(fetching).rejects.toBeInstanceOf(RepoRefusal);
  });
});

describe("nothing is flooded", () => {
  test("a blob of two gibibytes", async () => {
    const size = 2 * 1024 ** 3;
    const sha = putZeros(size);
    expect(git(repo.folder, ["cat-file", "-s", sha])).toBe(String(size));
    await refused(rawCommit([entry("100644", "zeros", sha)]), /holds an object of 2147483648 bytes; one may have/);
  });

  test("a large blob in the history of a small tree", async () => {
    commit({ big: "x".repeat(FETCH_LIMITS.objectBytes + 1) });
    rmSync(join(repo.folder, "big"));
    await refused(commit({ small: "x" }), /holds an object of \d+ bytes; one may have \d+\. Remove the file from the history/);
  });

  test("more bytes altogether, more objects, more time than are allowed", async () => {
    const sha = commit(Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`f${n}`, `${n}`.repeat(1000)])));
    await refused(sha, /brings \d+ bytes; 20000 are allowed/, { totalBytes: 20_000 });
    await refused(sha, /brings more than 30 new objects/, { objects: 30 });
    await ask(sha, { objects: 42 });
  });

  test("a list of objects that is many times too long stops the listing itself", async () => {
    const objects = 1_500;
    const lines = Array.from({ length: objects }, (_, n) => `blob\nmark :${n + 1}\ndata <<E\n${n}\nE\n`).join("");
    const tree = Array.from({ length: objects }, (_, n) => `M 100644 :${n + 1} d/${n}\n`).join("");
    const stream = `${lines}commit refs/heads/flood\ncommitter a <a@b> 1 +0000\ndata <<E\nx\nE\n${tree}`;
    git(repo.folder, ["fast-import", "--quiet"], stream);
    // The list may have 41 bytes for each allowed object plus 32 KiB; this one has 60 KiB.
    await refused(git(repo.folder, ["rev-parse", "flood"]), /brings more than 100 new objects/, { objects: 100 });
  });

  test("a repository that makes its reader wait forever", async () => {
    const sha = commit({ "agent.json": `{"model":"opus"}` });
    const path = join(gitDir(), "objects", sha.slice(0, 2), sha.slice(2));
    rmSync(path);
    execFileSync("mkfifo", [path]);
    await refused(sha, /took longer than 0\.7 s to read/, { timeMs: 700 });
  });

  test("a million files from a handful of objects", async () => {
    let below = rawObject("tree", Buffer.concat(Array.from({ length: 10 }, (_, n) => entry("100644", `f${n}`, BLOB.sha))));
    const trees = [below];
    for (let level = 0; level < 5; level++) {
      const { sha } = below;
      below = rawObject("tree", Buffer.concat(Array.from({ length: 10 }, (_, n) => entry("40000", `d${n}`, sha))));
      trees.push(below);
    }
    await refused(put(BLOB, ...trees, commitObject(below.sha, [base], FACTS)), /more than 500 files/);
  });

  test("a trillion folders without a file", async () => {
    let below = rawObject("tree", Buffer.alloc(0));
    const trees = [below];
    for (let level = 0; level < 12; level++) {
      const { sha } = below;
      below = rawObject("tree", Buffer.concat(Array.from({ length: 10 }, (_, n) => entry("40000", `d${n}`, sha))));
      trees.push(below);
    }
    await refused(put(...trees, commitObject(below.sha, [base], FACTS)), /more than 500 files/);
  });

  test("endlessly nested folders", async () => {
    let below = rawObject("tree", entry("100644", "f", BLOB.sha));
    const trees = [BLOB, below];
    for (let level = 0; level < 1000; level++) {
      below = rawObject("tree", entry("40000", "d", below.sha));
      trees.push(below);
    }
    await refused(put(...trees, commitObject(below.sha, [base], FACTS)), /more than 500 f|deeper than 32|gave up|refuses/);
  });

  test("one file and one byte more than a config may have", async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`f${n}`, ""]));
    await refused(commit(many), /more than 500 files/);
    git(repo.folder, ["reset", "-q", "--hard", base]);
    await refused(commit({ a: "x".repeat(600_000), b: "x".repeat(600_000) }), /holds 12000\d\d bytes; a config may have 1048576/);
  });

  /** A valid blob of zeros; its compressed form repeats one block. */
  function putZeros(size: number): string {
    const step = 1024 * 1024;
    const zeros = Buffer.alloc(step);
    const head = Buffer.from(`blob ${size}\0`);
    const hash = createHash("sha1").update(head);
    for (let done = 0; done < size; done += step) hash.update(zeros);
    const sha = hash.digest("hex");
    const flush = { finishFlush: constants.Z_FULL_FLUSH };
    const path = join(gitDir(), "objects", sha.slice(0, 2), sha.slice(2));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, Buffer.concat([Buffer.from([0x78, 0x01]), deflateRawSync(head, flush)]));
    const block = deflateRawSync(zeros, flush);
    for (let done = 0; done < size; done += step) appendFileSync(path, block);
    // Adler-32: zeros keep the first sum and add it to the second.
    let [a, b] = [1, 0];
    for (const byte of head) [a, b] = [(a + byte) % 65_521, (b + a + byte) % 65_521];
    b = Number((BigInt(b) + BigInt(a) * BigInt(size)) % 65_521n);
    const end = Buffer.alloc(4);
    end.writeUInt32BE(b * 65_536 + a);
    appendFileSync(path, Buffer.concat([Buffer.from([0x03, 0x00]), end]));
    return sha;
  }
});

describe("trees are plain", () => {
  test("a submodule", async () => {
    await refused(rawCommit([entry("160000", "module", base)]), /"module" is a submodule/);
  });
  test("a declaration of submodules, also with a name that leads out or an option in place of an address", async () => {
    await refused(
      commit({ ".gitmodules": `[submodule "m"]\n\tpath = m\n\turl = https://hive.invalid/m\n` }),
      /declares submodules/,
    );
    git(repo.folder, ["reset", "-q", "--hard", base]);
    await refused(
      commit({ ".gitmodules": `[submodule "../../x"]\n\tpath = m\n\turl = --upload-pack=x\n` }),
      /git's own check refuses|declares submodules/,
    );
  });
  test.each([
    ".git",
    ".GIT",
    ".Git",
    "git~1",
    ".git.",
    ".git ",
    ".git::$INDEX_ALLOCATION",
    ".g\u200cit",
    ".git\\x",
    "x\\..\\.git",
  ])("a path like .git: %j", async (name) => {
    const inner = rawObject("tree", entry("100755", "config", BLOB.sha));
    await refused(rawCommit([entry("40000", name, inner.sha)], BLOB, inner), /git's own check refuses|is `\.git`|invisible/);
  });
  test.each(["..", ".", "", "a/b", "x\ny", "x\x1b[31m", "\u202egpj.exe", "tab\there", "\u200bx", "del\x7f"])(
    "an invalid name: %j",
    async (name) => {
      await refused(
        rawCommit([entry("100644", name, BLOB.sha)], BLOB),
        /git's own check refuses|control or invisible|is not whole/,
      );
    },
  );
  test("a name that is not UTF-8, a name that is too long, a path that is too deep", async () => {
    await refused(rawCommit([entry("100644", Buffer.from([0x66, 0xff]), BLOB.sha)], BLOB), /is not valid UTF-8/);
    await refused(rawCommit([entry("100644", "n".repeat(256), BLOB.sha)], BLOB), /name longer than 255 bytes/);
    await refused(commit({ [`${"d/".repeat(32)}f`]: "x" }), /deeper than 32 folders/);
  });
  test.each([
    ["README", "readme"],
    ["ß.md", "SS.md"],
    ["é", "e\u0301"],
    ["ﬁle", "file"],
  ])("paths that are equal if case or composition is ignored: %s and %s", async (one, two) => {
    const names = [one, two].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    await refused(
      rawCommit(
        names.map((name) => entry("100644", name, BLOB.sha)),
        BLOB,
      ),
      /are one path where case does not count/,
    );
  });
  test("folders that collide", async () => {
    const inner = rawObject("tree", entry("100644", "f", BLOB.sha));
    await refused(rawCommit([entry("40000", "Bin", inner.sha), entry("40000", "bin", inner.sha)], BLOB, inner), /are one path/);
  });
  test("duplicate names, entries out of order", async () => {
    await refused(rawCommit([entry("100644", "a", BLOB.sha), entry("100644", "a", BLOB.sha)], BLOB), /git's own check refuses/);
    await refused(rawCommit([entry("100644", "b", BLOB.sha), entry("100644", "a", BLOB.sha)], BLOB), /git's own check refuses/);
  });
  test("modes that our files do not have are read as git reads them", async () => {
    const sha = rawCommit([entry("100666", "a", BLOB.sha), entry("104755", "b", BLOB.sha)], BLOB);
    await ask(sha);
    expect((await applied.files(sha)).map(({ mode }) => mode)).toEqual(["100644", "100755"]);
  });
  test.each([
    ["to the host", "/etc/passwd", /leaves the tree/],
    ["up", "../outside", /leaves the tree/],
    ["out through a detour", "a/../../outside", /leaves the tree/],
    ["to itself", "out", /leads round in a circle/],
    ["without a target", "", /has no target/],
    ["longer than a path can be", `${"x/".repeat(2100)}x`, /longer than a path can be/],
  ])("a link %s", async (_, target, words) => {
    const blob = rawObject("blob", Buffer.from(target));
    await refused(rawCommit([entry("120000", "out", blob.sha)], blob), words);
  });
  test("a link that leaves through another", async () => {
    const files = treeObjects([file("p/q/d", "../../b", "120000"), file("b/f", "x"), file("x", "p/q/d/../..", "120000")]);
    await refused(
      put(...files, commitObject(files.at(-1)?.sha ?? "", [base], FACTS)),
      /the link "x" → "p\/q\/d\/\.\.\/\.\." leaves the tree/,
    );
  });
});

describe("honest proposals are copied", () => {
  test("from a packed repository with deltas and bitmaps; objects that we have are not sent again", async () => {
    const text = Array.from({ length: 500 }, (_, n) => `line ${n}`).join("\n");
    for (let n = 0; n < 5; n++) commit({ "INSTRUCTIONS.md": `${text}\n${n}\n` });
    git(repo.folder, ["repack", "-q", "-a", "-d", "-f", "--write-bitmap-index", "--depth=50", "--window=50"]);
    git(repo.folder, ["multi-pack-index", "write"]);
    git(repo.folder, ["commit-graph", "write", "--reachable"]);
    const sha = git(repo.folder, ["rev-parse", "HEAD"]);
    // Each of the five commits has a commit, a tree and a file; the limit shows that our own objects were not counted.
    await ask(sha, { objects: 15 });
    expect((await applied.files(sha)).map(({ path }) => path)).toEqual(["INSTRUCTIONS.md", "agent.json"]);
    await ask(base, { objects: 0 });
    await applied.moveMain(sha, base);
    await ask(sha, { objects: 0 });
  });

  test("also if the path contains a colon and quotes", async () => {
    const odd = join(root, `o:d"d \\ x`);
    const others = await openRepos({ ...paths(), applied: join(odd, "applied"), scratch: join(odd, "scratch") }, bwrapPlatform());
    await others.applied("coder").ensure();
    const from = await others.applied("coder").commit([file("agent.json", "{}\n")], [], FACTS);
    await others.applied("coder").moveMain(from, undefined);
    const sha = commit({ new: "new" });
    if (AS_ROOT) execFileSync("chown", ["-Rh", `${OWNER.uid}:${OWNER.gid}`, repo.folder]);
    await others.applied("coder").fetch(repo, sha);
    expect(await others.applied("coder").isAncestor(from, sha)).toBe(true);
  });
});

describe("incomplete histories", () => {
  test("a shallow clone", async () => {
    commit({ a: "1" });
    commit({ a: "2" });
    const clone = join(root, "clone");
    if (AS_ROOT) execFileSync("chown", ["-R", "0:0", repo.folder]);
    git(root, ["clone", "-q", "--depth=1", `file://${repo.folder}`, clone]);
    rmSync(repo.folder, { recursive: true });
    renameSync(clone, repo.folder);
    await refused(commit({ a: "3" }), /is not whole/);
  });
  test("a damaged object", async () => {
    const sha = commit({ "agent.json": `{"model":"opus"}` });
    const blob = git(repo.folder, ["rev-parse", `${sha}:agent.json`]);
    const path = join(gitDir(), "objects", blob.slice(0, 2), blob.slice(2));
    chmodSync(path, 0o644);
    writeFileSync(path, "damaged");
    await refused(sha, /is not whole|gave up|refuses/);
  });
  test("a repository that is missing, or a file", async () => {
    rmSync(repo.folder, { recursive: true });
    const fetching = (): Promise<void> =>
      safeFetch({ sandboxedRun, into: applied.folder, from: repo, sha: base, scratch: paths().scratch });
    await expect(fetching()).rejects.toThrow(/there is no proposed repository at coder\/config/);
    writeFileSync(repo.folder, "");
    await expect(fetching()).rejects.toThrow(/there is no proposed repository at coder\/config/);
    expect(existsSync(repo.folder)).toBe(true);
  });
});
