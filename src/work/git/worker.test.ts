import { mkdtempSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeRepo } from "../../os/git/folders.ts";
import { git } from "../../os/git/git.ts";
import { sandboxedRun } from "../../os/sandboxed-run.ts";
import { GitWorker } from "./worker.ts";

let top: string;
let worker: GitWorker;

beforeAll(async () => {
  top = mkdtempSync(join(tmpdir(), "worker-"));
  const owner =
    process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  worker = new GitWorker({ sandboxedRun, owner, repos: join(top, "repos"), scratch: join(top, "scratch") });
  await mkdir(join(top, "repos"), { mode: 0o700 });
  await mkdir(join(top, "scratch"), { mode: 0o700 });
  await makeRepo(worker.folder("web"), join(top, "scratch"));
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

const who = {
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@hive.invalid",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@hive.invalid",
};

test("objects of a scratch repository are kept when they are asked to be, and readable in the sandbox", async () => {
  const made = await worker.withScratch("web", {}, async (scratch) => {
    const blob = (await scratch.git(["hash-object", "-w", "--stdin"], { input: "hello\n" })).toString().trim();
    const tree = (await scratch.git(["mktree"], { input: `100644 blob ${blob}\tREADME.md\n` })).toString().trim();
    const commit = (await scratch.git(["commit-tree", tree, "-m", "first"], { env: who })).toString().trim();
    await scratch.keepObjects();
    return { commit, tree };
  });
  expect((await git(worker.folder("web"), ["cat-file", "-t", made.commit])).toString()).toBe("commit\n");
  const shown = await worker.read("web", ["show", `${made.commit}:README.md`]);
  expect(shown.toString()).toBe("hello\n");
  // The next scratch repository borrows them and has the given refs.
  const listed = await worker.withScratch("web", { refs: new Map([["refs/heads/x", made.commit]]) }, (scratch) =>
    scratch.git(["log", "--format=%s", "refs/heads/x"]),
  );
  expect(listed.toString()).toBe("first\n");
});

test("what is not kept is gone, and the repository itself cannot be written from the sandbox", async () => {
  const blob = await worker.withScratch("web", {}, (scratch) =>
    scratch.git(["hash-object", "-w", "--stdin"], { input: "gone\n" }),
  );
  const there = await worker.tryRead("web", ["cat-file", "-e", blob.toString().trim()]);
  expect(there.code).toBe(1);
  const written = await worker.tryRead("web", ["hash-object", "-w", "--stdin"], { input: "never\n" });
  expect(written.code).not.toBe(0);
});
