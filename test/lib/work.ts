import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Paths } from "../../src/lib/paths.ts";
import { bwrapDriver } from "../../src/platforms/bwrap/driver.ts";
import { branchPrefixOf } from "../../src/os/git/exported-folder.ts";
import { moveRef } from "../../src/os/git/refs.ts";
import { sandboxedRun } from "../../src/os/sandboxed-run.ts";
import type { ChangeRecord } from "../../src/store/changes.ts";
import { OPERATOR } from "../../src/wire/names.ts";
import type { RepoSettings } from "../../src/wire/work.ts";
import { ChangeStore } from "../../src/work/change-store.ts";
import { GitWorker } from "../../src/work/git/worker.ts";
import { MergeQueue } from "../../src/work/queue/merge-queue.ts";
import type { CheckLimits } from "../../src/work/queue/check/limits.ts";
import { revertChange } from "../../src/work/queue/merge.ts";
import { Declared } from "../../src/work/declared.ts";
import { Credentials } from "../../src/work/remote/credentials.ts";
import { Remotes } from "../../src/work/remote/remotes.ts";
import { Swaps } from "../../src/work/remote/swaps.ts";
import { PullRequests } from "../../src/work/forge/pull-requests.ts";
import { Upstreams } from "../../src/work/upstream.ts";
import { Repositories } from "../../src/work/repositories.ts";
import type { WorkContext } from "../../src/work/work-context.ts";
import { openBus } from "./bus.ts";
import { commitWriter } from "./commit-writer.ts";
import { openStoreIn } from "./store.ts";

/** The author of commits that tests make. */
const ADA = "Ada <ada@hive.invalid> 1767323045 +0000";
const ENV = {
  PATH: process.env["PATH"],
  HOME: "/nonexistent",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
};

export type TestWork = Awaited<ReturnType<typeof openTestWork>>;

interface Options {
  /** Goes on with the state of an earlier one. */
  folder?: string;
  failpoint?: (name: string) => Promise<void>;
  settings?: Partial<RepoSettings>;
  /** What the repository follows. By default nothing. */
  remote?: Parameters<Upstreams["addRemote"]>[1];
  limits?: Partial<CheckLimits>;
  now?: () => number;
}

/**
 * The rows, repositories and merge queues of a hive without the rest of it, on real git in the real sandbox. It has the
 * repository `web`, in which tests store commits as agents' pushes do.
 */
export async function openTestWork({
  folder,
  failpoint = async () => {},
  settings = {},
  remote,
  limits,
  now = Date.now,
}: Options = {}) {
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
    bus: openBus(),
    broker: {
      notify: (_tx: unknown, _to: unknown, notice: Record<string, unknown>) => void notices.push(notice),
      checkMayAsk() {},
    },
    agents: {
      all: () => [],
      allWithDestroyed: () => [],
      byId: (id: string) => (id === agent.id ? agent : undefined),
      find: () => undefined,
    },
    paths,
    git: new GitWorker({ sandboxedRun, owner: { uid, gid }, repos: paths.repos, scratch: paths.repoScratch }),
    declared: new Declared(undefined),
    credentials: new Credentials(paths.credentials),
    forgeCredentials: new Credentials(paths.forgeCredentials),
    net: { resolve: async () => ["127.0.0.1"], isPublic: () => false },
    driver,
    hiveId,
    branchPrefix: branchPrefixOf(hiveId),
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
  const remotes = new Remotes(context, (name) => repositories.find(name)?.upstream);
  const news = { baseMoved() {} };
  const upstreams = new Upstreams({ context, repositories, changeStore: changes, news, remotes });
  const swaps = new Swaps(remotes, upstreams);
  const queue = new MergeQueue({ context, repositories, changes, swaps }, limits);
  const onMerged = (repo: string): void => queue.kickAll(repo);
  const pulls = new PullRequests({ context, repositories, changes, remotes, upstreams, onMerged });
  await repositories.open();
  if (repositories.find("web") === undefined && remote) await upstreams.addRemote("web", remote, settings);
  else if (repositories.find("web") === undefined) await repositories.create("web", { base: "main", ...settings });
  const bare = repositories.folder("web");
  const run = (argv: readonly string[], input: string | Buffer = ""): Buffer =>
    execFileSync("git", ["--git-dir", bare, ...argv], { env: ENV, input, stdio: ["pipe", "pipe", "pipe"] });
  const git = (...argv: string[]): string => run(argv).toString().trim();
  /** The parents of the commits that the test has stored. */
  const parents = new Map<string, string>();
  const writer = commitWriter(bare);
  /** The commit at which a proposal parts from its base, as it is stored with it. Null without a common history. */
  const mergeBase = (tip: string, sha: string): string | null => {
    if (tip === "" || tip === sha || parents.get(sha) === tip) return tip || null;
    try {
      return git("merge-base", tip, sha);
    } catch {
      // Their histories share no commit.
      return null;
    }
  };

  const work = {
    top,
    paths,
    store,
    context,
    repositories,
    changes,
    queue,
    pulls,
    upstreams,
    remotes,
    unexpected,
    notices,
    disk,
    bare,
    /** Runs git in the hive's repository. */
    git,
    /**
     * Stores a commit as a push would: files with their text on a parent. Null removes a file, a commit makes it a
     * submodule. Returns the commit.
     */
    commit(
      parent: string | undefined,
      files: Record<string, string | null | { submodule: string }>,
      message = "a commit",
    ): string {
      const written = writer.write(parent, files, { who: ADA, message });
      if (written !== undefined) {
        if (parent !== undefined) parents.set(written, parent);
        return written;
      }
      const lines = [`commit refs/agents/a1/topic\nmark :1\nauthor ${ADA}\ncommitter ${ADA}\n${data(message)}`];
      if (parent !== undefined) lines.push(`from ${parent}`);
      for (const [name, file] of Object.entries(files)) {
        const path = `"${[...Buffer.from(name)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")}"`;
        if (file === null) lines.push(`D ${path}`);
        else if (typeof file === "string") lines.push(`M 644 inline ${path}\n${data(file)}`);
        else lines.push(`M 160000 ${file.submodule} ${path}`);
      }
      // A branch of its own, because a commit without parent would go on with the last one.
      const reset = "reset refs/agents/a1/topic\n\n";
      const sha = work.fastImport(`${reset}${lines.join("\n")}\nget-mark :1\ndone\n`);
      if (parent !== undefined) parents.set(sha, parent);
      return sha;
    },
    /** Stores what a stream of `git fast-import` describes. Returns what it prints. */
    fastImport: (input: string): string => run(["fast-import", "--quiet", "--force", "--done"], input).toString().trim(),
    /** Stores a commit byte by byte. */
    object: (commit: Buffer): string => run(["hash-object", "-t", "commit", "-w", "--stdin"], commit).toString().trim(),
    /** Moves a base as a fetch would. */
    async base(sha: string, name = "main"): Promise<void> {
      await repositories.moveBase("web", name, sha, repositories.tip("web", name), { actor: "system", by: "upstream" });
    },
    /** Proposes a commit. */
    async proposed(sha: string, facts: Partial<ChangeRecord> = {}): Promise<number> {
      const row = await store.write((tx) =>
        changes.insert(
          tx,
          {
            repo: "web",
            agent: "a1",
            agent_name: "scout",
            branch: `topic-${sha.slice(0, 6)}`,
            base: "main",
            round: 1,
            title: "A change",
            body: "",
            sha,
            merge_base: mergeBase(work.tip(facts.base), sha),
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
            early_check: null,
            undecided: 1,
            ...facts,
          },
          "operator",
        ),
      );
      await moveRef(bare, `refs/changes/${row.id}/1`, sha, undefined);
      return row.id;
    },
    /** Proposes a commit and approves it. */
    async approved(sha: string, facts: Partial<ChangeRecord> = {}): Promise<number> {
      const id = await work.proposed(sha, facts);
      const decided = { decided_by: OPERATOR, decided_at: now(), ...facts };
      await store.write((tx) => changes.move(tx, id, "approve", OPERATOR, decided));
      return id;
    },
    /** Proposes a commit, approves it and puts it into its queue. */
    async queued(sha: string, facts: Partial<ChangeRecord> = {}): Promise<number> {
      const id = await work.approved(sha, facts);
      await queue.enqueue(id);
      return id;
    },
    revert(id: number) {
      const row = changes.get(id);
      return revertChange(context.git, row, { tip: work.tip(), before: row.candidate_base ?? undefined, now: now() });
    },
    row: (id: number): ChangeRecord => changes.get(id),
    tip: (name = "main"): string => repositories.tip("web", name) ?? "",
    /** The tree of a commit of the hive, as `git ls-tree -r` prints it. */
    tree: (sha: string): string => run(["ls-tree", "-r", sha]).toString(),
    /** A commit as it is stored. */
    cat: (sha: string): string => run(["cat-file", "commit", sha]).toString(),
    catBytes: (sha: string): Buffer => run(["cat-file", "commit", sha]),
    show: (spec: string): string => run(["show", spec]).toString(),
    audit: (kind: string) => store.ledger.audited({ kind, before: Number.MAX_SAFE_INTEGER, limit: 100 }),
    /** Ends as a killed daemon does: nothing is stored any more. The next one uses the folder. */
    async close({ keep = false } = {}): Promise<void> {
      await Promise.all([queue.stop(), pulls.stop()]);
      store.close();
      if (!keep) rmSync(top, { recursive: true, force: true });
    },
  };
  if (folder === undefined && remote === undefined) {
    const first = work.commit(undefined, { "README.md": "# web\n", "a.txt": "1\n2\n3\n4\n5\n6\n7\n8\n9\n" }, "first");
    await work.base(first);
  }
  return work;
}

const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}`;
