import { randomUUID } from "node:crypto";
import type { ChildProcess } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { EMPTY_TREE, GIT_ENV, GitError } from "../../os/git/git.ts";
import { moveObjects } from "../../os/git/move-objects.ts";
import { BORROWED, makeScratchRepo } from "../../os/git/scratch-repo.ts";
import { collect, type Ended } from "../../os/run-bytes.ts";
import type { SandboxedRun } from "../../os/sandboxed-run.ts";

/** A user of the host. */
export interface Owner {
  uid: number;
  gid: number;
}

export interface GitWorkerDeps {
  sandboxedRun: SandboxedRun;
  /** The user as whom git runs. It may read the repositories and owns nothing. */
  owner: Owner;
  /** The folder of the bare repositories, and a folder on the same file system for what is not finished. */
  repos: string;
  scratch: string;
}

/**
 * Address space of one git process: it maps packs of 4 GiB in windows and their indexes whole. Bytes. Its processor
 * time and duration, enough to check a pack of that size. Seconds, milliseconds.
 */
const MEMORY_BYTES = 4 * 1024 ** 3;
const CPU_SECONDS = 1_800;
const TIMEOUT_MS = 30 * 60_000;
/** Bytes that one call may print unless it says otherwise: lists of refs and of a change's files. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Settings of git in the sandbox. Nothing that a repository contains can start a program or change them. */
const SETTINGS: Record<string, string> = {
  "core.hooksPath": "/dev/null",
  "core.attributesFile": "/dev/null",
  // Newer versions of git read attributes from HEAD in a bare repository.
  "attr.tree": EMPTY_TREE,
  "core.fsync": "none",
  "core.packedGitWindowSize": "32m",
  "core.packedGitLimit": "512m",
  "core.bigFileThreshold": "16m",
  "core.logAllRefUpdates": "false",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "pack.threads": "1",
  "protocol.allow": "never",
  "safe.directory": "*",
};

export interface GitCall {
  /** Bytes for standard input. */
  input?: Buffer | string;
  maxBytes?: number;
  timeoutMs?: number;
  /** Added to the fixed environment. */
  env?: Record<string, string>;
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

  /** Runs a script on a folder of the host, read-only, as its owner. */
  onFolder(folder: string, owner: Owner, script: string, args: readonly string[]): ChildProcess {
    return this.#deps.sandboxedRun({ ...this.#sandbox({ folder, owner }), script, args });
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
      this.#deps.sandboxedRun({ ...this.#sandbox({ folder, owner: { uid, gid }, reads }), script, args }),
      bounds(call),
    );
  }

  /** As `onFolder`, but the script may write to the folder, and read the objects of a repository at `/objects`. */
  writeFolder(repo: string, folder: string, owner: Owner, script: string, args: readonly string[]): ChildProcess {
    const reads = [{ host: join(this.folder(repo), "objects"), at: BORROWED }];
    return this.#deps.sandboxedRun({ ...this.#sandbox({ folder, owner, writable: true, reads }), script, args });
  }

  #sandbox<S extends { folder: string; owner: Owner; env?: Record<string, string> | undefined }>(options: S) {
    return {
      ...options,
      env: { ...GIT_ENV, GIT_DIR: "/repo", HOME: "/tmp", ...settingsEnvironment(), ...options.env },
      memoryBytes: MEMORY_BYTES,
      cpuSeconds: CPU_SECONDS,
    };
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

function settingsEnvironment(): Record<string, string> {
  const entries = Object.entries(SETTINGS);
  return {
    GIT_CONFIG_COUNT: String(entries.length),
    ...Object.fromEntries(
      entries.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}

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
