import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Paths } from "../../src/lib/paths.ts";
import { bwrapDriver } from "../../src/platforms/bwrap/driver.ts";
import { moveRef } from "../../src/os/git/refs.ts";
import { sandboxedRun } from "../../src/os/sandboxed-run.ts";
import type { ChangeRecord } from "../../src/store/changes.ts";
import { OPERATOR } from "../../src/wire/names.ts";
import type { RepoSettings } from "../../src/wire/work.ts";
import { ChangeStore } from "../../src/work/change-store.ts";
import { GitWorker } from "../../src/work/git/worker.ts";
import { MergeQueue } from "../../src/work/queue/merge-queue.ts";
import type { CheckLimits } from "../../src/work/queue/check/limits.ts";
import { Repositories } from "../../src/work/repositories.ts";
import type { WorkContext } from "../../src/work/work-context.ts";
import { openStoreIn } from "./store.ts";

const ENV = {
  PATH: process.env["PATH"],
  HOME: "/nonexistent",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@hive.invalid",
  GIT_AUTHOR_DATE: "2026-01-02T03:04:05Z",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@hive.invalid",
  GIT_COMMITTER_DATE: "2026-01-02T03:04:05Z",
};

export type TestWork = Awaited<ReturnType<typeof openTestWork>>;

interface Options {
  /** Goes on with the state of an earlier one. */
  folder?: string;
  failpoint?: (name: string) => Promise<void>;
  settings?: Partial<RepoSettings>;
  limits?: Partial<CheckLimits>;
  now?: () => number;
}

/**
 * The rows, repositories and merge queues of a hive without the rest of it, on real git in the real sandbox. It has the
 * repository `web`, and a clone of it with a work tree in which tests make commits.
 */
export async function openTestWork({ folder, failpoint = async () => {}, settings = {}, limits, now = Date.now }: Options = {}) {
  const top = folder ?? realpathSync(mkdtempSync(join(tmpdir(), "work-")));
  const paths = new Paths(join(top, "s"), join(top, "s", "run"));
  paths.prepare();
  mkdirSync(join(top, "runtime"), { recursive: true });
  const store = openStoreIn(paths.state);
  const driver = bwrapDriver();
  const hiveId = `w${process.pid}`;
  const { uid, gid } = driver.identityFor(hiveId, 1);
  const unexpected: unknown[] = [];
  const notices: Record<string, unknown>[] = [];
  const disk = { full: 0 };
  const agent = { id: "a1", name: "scout", destroyed: false, config: { repos: [] } };
  const context = {
    store,
    feed: { publish() {} },
    broker: {
      notify: (_tx: unknown, _to: unknown, notice: Record<string, unknown>) => void notices.push(notice),
      checkMayAsk() {},
    },
    agents: { all: () => [], byId: (id: string) => (id === agent.id ? agent : undefined), find: () => undefined },
    paths,
    git: new GitWorker({ sandboxedRun, owner: { uid, gid }, repos: paths.repos, scratch: paths.repoScratch }),
    driver,
    hiveId,
    runtime: { revision: "r1", dir: join(top, "runtime") },
    failpoint,
    disk: {
      checkAfter(error: unknown): boolean {
        const isFull = (error as { code?: unknown }).code === "ENOSPC";
        if (isFull) disk.full++;
        return isFull;
      },
    },
    onUnexpected: (error: unknown) => void unexpected.push(error),
    now,
  } as unknown as WorkContext;
  const repositories = new Repositories(context);
  const changes = new ChangeStore(context, (row) => repositories.changed(row.repo));
  const queue = new MergeQueue(context, repositories, changes, limits);
  await repositories.open();
  if (repositories.find("web") === undefined) await repositories.create("web", { base: "main", ...settings });
  const bare = repositories.folder("web");
  const clone = join(top, "clone");

  const git = (...argv: string[]): string =>
    execFileSync("git", ["-C", clone, ...argv], { env: ENV, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();

  const work = {
    top,
    paths,
    store,
    context,
    repositories,
    changes,
    queue,
    unexpected,
    notices,
    disk,
    clone,
    /** Runs git in the clone. */
    git,
    /** Commits files (null removes one) on a commit or branch, and brings the objects to the hive. Returns the commit. */
    commit(parent: string | undefined, files: Record<string, string | null>, message = "a commit"): string {
      if (parent === undefined) {
        git("checkout", "-q", "--orphan", "fresh");
        git("rm", "-rfq", "--ignore-unmatch", ".");
      } else git("checkout", "-q", "--detach", parent);
      for (const [path, text] of Object.entries(files)) {
        if (text === null) {
          git("rm", "-q", path);
          continue;
        }
        mkdirSync(dirname(join(clone, path)), { recursive: true });
        writeFileSync(join(clone, path), text);
        git("add", "-f", path);
      }
      git("commit", "-q", "--allow-empty", "-m", message);
      const sha = git("rev-parse", "HEAD");
      if (parent === undefined) {
        git("checkout", "-q", "--detach");
        git("branch", "-D", "-q", "fresh");
      }
      work.send(sha);
      return sha;
    },
    /** Brings a commit of the clone to the hive, as a push would. */
    send(sha: string): void {
      git("push", "-q", "-f", bare, `${sha}:refs/agents/a1/work-${sha.slice(0, 12)}`);
    },
    /** Moves a base as a fetch would. */
    async base(sha: string, name = "main"): Promise<void> {
      await repositories.moveBase("web", name, sha, repositories.tip("web", name));
    },
    /** Proposes a commit and approves it. */
    async approved(sha: string, facts: Partial<ChangeRecord> = {}): Promise<number> {
      const row = await store.write((tx) => {
        const made = changes.insert(tx, {
          repo: "web",
          agent: "a1",
          agent_name: "scout",
          branch: `topic-${sha.slice(0, 6)}`,
          base: "main",
          round: 1,
          title: "A change",
          body: "",
          sha,
          merge_base: null,
          digest: `sha256:${"0".repeat(64)}`,
          stat: JSON.stringify({ files: 1, added: 1, removed: 0 }),
          marks: "[]",
          proposed_at: now(),
          decided_by: null,
          decided_at: null,
          reviewed_sha: null,
          note: null,
          reason: null,
          queued_at: null,
          candidate: null,
          candidate_base: null,
          merged_sha: null,
          has_log: 0,
          undecided: 1,
          ...facts,
        });
        return changes.move(tx, made.id, "approve", OPERATOR, { decided_by: OPERATOR, decided_at: now(), ...facts });
      });
      await moveRef(bare, `refs/changes/${row.id}/1`, sha, undefined);
      return row.id;
    },
    /** Proposes a commit, approves it and puts it into its queue. */
    async queued(sha: string, facts: Partial<ChangeRecord> = {}): Promise<number> {
      const id = await work.approved(sha, facts);
      await queue.enqueue(id);
      return id;
    },
    row: (id: number): ChangeRecord => changes.get(id),
    tip: (name = "main"): string => repositories.tip("web", name) ?? "",
    /** The tree of a commit of the hive, as `git ls-tree -r` prints it. */
    tree: (sha: string): string => execFileSync("git", ["--git-dir", bare, "ls-tree", "-r", sha], { env: ENV, encoding: "utf8" }),
    /** A commit of the hive as it is stored. */
    cat: (sha: string): string =>
      execFileSync("git", ["--git-dir", bare, "cat-file", "commit", sha], { env: ENV, encoding: "utf8" }),
    show: (spec: string): string => execFileSync("git", ["--git-dir", bare, "show", spec], { env: ENV, encoding: "utf8" }),
    audit: (kind: string) => store.ledger.audited({ kind, before: Number.MAX_SAFE_INTEGER, limit: 100 }),
    /** Ends as a killed daemon does: nothing is stored any more. The next one uses the folder. */
    async close({ keep = false } = {}): Promise<void> {
      await queue.stop();
      await store.close();
      if (!keep) rmSync(top, { recursive: true, force: true });
    },
  };
  if (folder === undefined) {
    execFileSync("git", ["init", "-q", "-b", "none", clone], { env: ENV });
    const first = work.commit(undefined, { "README.md": "# web\n", "a.txt": "1\n2\n3\n4\n5\n6\n7\n8\n9\n" }, "first");
    await work.base(first);
  }
  return work;
}
