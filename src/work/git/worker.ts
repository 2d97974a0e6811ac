import { randomUUID } from "node:crypto";
import type { ChildProcess } from "node:child_process";
import { lstat, rm } from "node:fs/promises";
import { join } from "node:path";
import { GitError } from "../../os/git/git.ts";
import { moveObjects } from "../../os/git/move-objects.ts";
import { PACK_HISTORY } from "../../os/git/pack-history.ts";
import { BORROWED, makeScratchRepo } from "../../os/git/scratch-repo.ts";
import { CPU_SECONDS, gitSandbox } from "../../os/git/sandboxed-git.ts";
import { onExportedFolder, type ExportTask, type ExportedFolder } from "../../os/git/exported-folder.ts";
import { collect, type Ended, type Program } from "../../os/run-bytes.ts";
import type { SandboxedRun } from "../../os/sandboxed-run.ts";

/** A user of the host. */
export interface Owner {
  uid: number;
  gid: number;
}

/** Repositories of the host that their owners have exported. */
export interface ExportedFolders {
  /** Starts a task with the rights of the folder's owner. */
  start(upstream: ExportedFolder, task: ExportTask & { repo?: string }): Program;
  /** The owner of a folder. Rejects if there is none. */
  ownerOf(folder: string, nonce: string): Promise<Owner | { code: number }>;
}

/** A task on an exported folder. A push has its commit in a repository of the hive. */
export type UpstreamTask = Exclude<ExportTask, { what: "push" }> | (Omit<PushTask, "objects"> & { repo: string });
type PushTask = Extract<ExportTask, { what: "push" }>;

export interface GitWorkerDeps {
  sandboxedRun: SandboxedRun;
  /** Works on exported folders with the rights of their owners. By default in our own sandbox. */
  exportedFolders?: ExportedFolders | undefined;
  /** The user as whom git runs. It may read the repositories and owns nothing. */
  owner: Owner;
  /** The folder of the bare repositories, and a folder on the same file system for what is not finished. */
  repos: string;
  scratch: string;
}

/** Duration of one call, for git's processor time in the sandbox. Milliseconds. */
const TIMEOUT_MS = CPU_SECONDS * 1000;
/** Bytes that one call may print unless it says otherwise: lists of refs and of a change's files. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

export interface GitCall {
  /** Bytes for standard input. */
  input?: Buffer | string;
  maxBytes?: number;
  timeoutMs?: number;
  /** Added to the fixed environment. */
  env?: Record<string, string>;
  /** Less memory than git has otherwise, for `besideFolder`. Bytes. */
  memoryBytes?: number;
}

/** Runs git for the repositories of the hive, always in the sandbox. */
export class GitWorker {
  readonly #deps: GitWorkerDeps;

  constructor(deps: GitWorkerDeps) {
    this.#deps = deps;
  }

  /** The bare repository. */
  folder(repo: string): string {
    return join(this.#deps.repos, `${repo}.git`);
  }

  /** The user as whom git runs. */
  get owner(): Owner {
    return this.#deps.owner;
  }

  /** Runs git on a repository, which it only reads. Throws `GitError` if it fails or prints too much. */
  async read(repo: string, argv: readonly string[], call: GitCall = {}): Promise<Buffer> {
    return succeeded(argv, await this.tryRead(repo, argv, call));
  }

  /** As `read`; the caller checks how git ended. */
  tryRead(repo: string, argv: readonly string[], call: GitCall = {}): Promise<Ended> {
    return this.tryScript(repo, GIT_SCRIPT, argv, call);
  }

  /** Runs a shell script on a repository, which it only reads. The caller checks how it ended. */
  async tryScript(repo: string, script: string, args: readonly string[], call: GitCall = {}): Promise<Ended> {
    const child = this.#deps.sandboxedRun({
      ...this.#sandbox({ folder: this.folder(repo), owner: this.owner, env: call.env }),
      script,
      args,
    });
    return collect(child, bounds(call));
  }

  /** Starts to pack history of a repository: `PACK_HISTORY` has the form of its input. */
  packHistory(repo: string): ChildProcess {
    const base = { folder: this.folder(repo), owner: this.owner };
    return this.#deps.sandboxedRun({ ...this.#sandbox(base), script: PACK_HISTORY, args: [] });
  }

  /**
   * Runs `work` with a scratch repository that borrows the repository's objects and has these refs. It is removed
   * afterwards, with every object that was not kept.
   */
  async withScratch<T>(
    repo: string,
    options: { refs?: ReadonlyMap<string, string>; owner?: Owner; config?: string; head?: string },
    work: (scratch: Scratch) => Promise<T>,
  ): Promise<T> {
    const { refs = new Map(), owner = this.owner, config, head } = options;
    const folder = join(this.#deps.scratch, randomUUID());
    const objects = join(this.folder(repo), "objects");
    const base = { folder, writable: true, owner, reads: [{ host: objects, at: BORROWED }] };
    const start = (script: string, args: readonly string[], env?: Record<string, string>): ChildProcess =>
      this.#deps.sandboxedRun({ ...this.#sandbox({ ...base, env }), script, args });
    try {
      await makeScratchRepo(folder, refs, owner, { config, head });
      return await work({
        folder,
        start,
        run: (argv, call = {}) => collect(start(GIT_SCRIPT, argv, call.env), bounds(call)),
        async git(argv, call = {}) {
          return succeeded(argv, await this.run(argv, call));
        },
        keepObjects: () => moveObjects(join(folder, "objects"), objects),
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Starts a task on a folder of the host that its owner has exported. */
  exported(upstream: ExportedFolder, task: UpstreamTask): Program {
    const { sandboxedRun, exportedFolders } = this.#deps;
    const own = task.what === "push" ? { ...task, objects: join(this.folder(task.repo), "objects") } : task;
    return exportedFolders?.start(upstream, own) ?? onExportedFolder(sandboxedRun, upstream, own);
  }

  /**
   * The owner of a folder of the host, or the exit code of `GUARD` if root's helper refuses it. Rejects if it is no
   * folder that the hive can see.
   */
  async ownerOf(folder: string, nonce: string): Promise<Owner | { code: number }> {
    if (this.#deps.exportedFolders) return this.#deps.exportedFolders.ownerOf(folder, nonce);
    const stat = await lstat(folder);
    if (!stat.isDirectory()) throw new Error("not a folder");
    return { uid: stat.uid, gid: stat.gid };
  }

  /** Runs a script on an agent's folder, read-only, as its owner, with the repository's objects beside it at `BORROWED`. */
  besideFolder(
    repo: string,
    folder: string,
    owner: Owner,
    script: string,
    args: readonly string[],
    call: GitCall,
  ): Promise<Ended> {
    const reads = [{ host: join(this.folder(repo), "objects"), at: BORROWED }];
    const { uid, gid } = owner;
    return collect(
      this.#deps.sandboxedRun({
        ...this.#sandbox({ folder, owner: { uid, gid }, reads }),
        ...(call.memoryBytes === undefined ? {} : { memoryBytes: call.memoryBytes }),
        script,
        args,
      }),
      bounds(call),
    );
  }

  #sandbox<S extends { folder: string; owner: Owner; env?: Record<string, string> | undefined }>(options: S) {
    return { ...options, ...gitSandbox(options.env) };
  }
}

/** A scratch repository while it exists. It is `/repo` in the sandbox, and `GIT_DIR`. */
export interface Scratch {
  readonly folder: string;
  /** Starts a shell script in the sandbox. The caller ends it, with its process group. */
  start(script: string, args: readonly string[], env?: Record<string, string>): ChildProcess;
  /** Runs git. The caller checks how it ended. */
  run(argv: readonly string[], call?: GitCall): Promise<Ended>;
  /** Runs git and throws `GitError` if it fails. */
  git(argv: readonly string[], call?: GitCall): Promise<Buffer>;
  /** Moves the new objects into the repository, onto stable storage. Every run must have ended. */
  keepObjects(): Promise<void>;
}

const GIT_SCRIPT = 'exec git --no-pager "$@"';

function bounds(call: GitCall) {
  return {
    maxBytes: call.maxBytes ?? MAX_OUTPUT_BYTES,
    timeoutMs: call.timeoutMs ?? TIMEOUT_MS,
    ...(call.input === undefined ? {} : { input: call.input }),
  };
}

function succeeded(argv: readonly string[], ended: Ended): Buffer {
  if (ended.code === 0 && !ended.tooMuch) return ended.stdout;
  const why = ended.tooMuch ? "printed too much" : ended.tooLong ? "took too long" : ended.stderr.trim() || ended.signal || "";
  throw new GitError(`git ${argv[0]}: ${why} (exit ${ended.code ?? ended.signal})`);
}
