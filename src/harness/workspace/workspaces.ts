import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AssignedRepo, RepoRef, WorkspaceReport } from "../../wire/harness.ts";
import type { IncludedFile } from "../../wire/include.ts";
import { isCloned, makeClone } from "./clone.ts";
import { gitConfigs, OWN_FOLDER } from "./gitconfig.ts";
import { copyIncluded } from "./include.ts";
import { runSetup } from "./setup.ts";

export interface WorkspaceDeps {
  /** The folder of the clones, and that of the agent's notes. */
  root: string;
  notes: string;
  /** Where the objects of the repositories are, by name. */
  objects: string;
  /** The loopback port of the git socket. */
  port: number;
  /** The environment of git and of the set-up. */
  env: Record<string, string>;
  /** The branches and tags of a repository. */
  refs(repo: string): Promise<RepoRef[]>;
  /** The operator's files for a fresh clone of a repository. */
  included(repo: string): AsyncIterable<IncludedFile>;
  /** Tells the daemon what the workspaces wait for. Null: they are ready. */
  report(workspace: WorkspaceReport | null): void;
  log(words: string): void;
}

/** Ends a wait for the operator: make the workspace again, or go on without it. */
export type WorkspaceAnswer = "retry" | "skip";

/**
 * The clones of an agent's repositories. They are made before the first message is leased, and kept from then on. A
 * clone or a set-up that fails waits for the operator.
 */
export class Workspaces {
  readonly #deps: WorkspaceDeps;
  #repos: readonly AssignedRepo[];
  #reported: WorkspaceReport | null = null;
  #answer: ((answer: WorkspaceAnswer) => void) | undefined;

  constructor(deps: WorkspaceDeps, repos: readonly AssignedRepo[]) {
    this.#deps = deps;
    this.#repos = repos;
    this.#writeConfigs();
  }

  /** The working folder of a turn: the clone of the first repository, or the agent's notes. */
  cwd(): string {
    const [first] = this.#repos;
    if (!first) return this.#deps.notes;
    const folder = this.#folder(first.name);
    return isClonedQuietly(folder) ? folder : this.#deps.notes;
  }

  /** True if turns will begin in a clone that is still to be made. */
  isFirstMissing(): boolean {
    const [first] = this.#repos;
    return first !== undefined && !isClonedQuietly(this.#folder(first.name));
  }

  /** The working folder of the earlier turns, if it was another one. Call it once, when the workspaces are ready. */
  movedFrom(): string | undefined {
    const own = join(this.#deps.root, OWN_FOLDER);
    const [before, now] = [read(join(own, "cwd")) ?? this.#deps.notes, this.cwd()];
    if (before === now) return undefined;
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, "cwd"), `${now}\n`);
    return before;
  }

  /** Takes the settings of a new connection, and reports to its daemon what the last one knew. */
  assigned(repos: readonly AssignedRepo[]): void {
    this.#repos = repos;
    this.#writeConfigs();
    if (this.#reported) this.#deps.report(this.#reported);
  }

  /** The operator's answer to a workspace that is not ready, with the settings as they are now. */
  answer(answer: WorkspaceAnswer, repos: readonly AssignedRepo[]): void {
    this.#repos = repos;
    this.#writeConfigs();
    this.#answer?.(answer);
  }

  /** Resolves when every workspace is ready or skipped. Rejects only when `ended` aborts. */
  async ready(ended: AbortSignal): Promise<void> {
    for (const { name } of this.#repos) {
      for (;;) {
        const repo = this.#repos.find((one) => one.name === name);
        if (!repo) break;
        const why = await this.#prepare(repo, ended).then(
          () => undefined,
          (error: unknown) => (error instanceof Error ? error.message : String(error)),
        );
        ended.throwIfAborted();
        if (why === undefined) break;
        this.#deps.log(`the workspace ${name} is not ready: ${why}`);
        // The operator has let the agent go on without this clone: it is tried at each start, and not waited for.
        if (this.#marked(name) === "skipped") break;
        this.#report({ repo: name, failed: true, reason: why });
        if ((await this.#operator(ended)) === "retry") continue;
        this.#mark(name, "skipped");
        break;
      }
    }
    if (this.#reported) this.#report(null);
  }

  async #prepare(repo: AssignedRepo, ended: AbortSignal): Promise<void> {
    const { root, objects, env, log } = this.#deps;
    const folder = this.#folder(repo.name);
    if (isCloned(folder)) {
      if (this.#marked(repo.name)) return;
    } else {
      this.#report({ repo: repo.name, failed: false, reason: "it is cloned" });
      const scratch = join(root, OWN_FOLDER, `new-${repo.name}`);
      const refs = await this.#deps.refs(repo.name);
      await makeClone(repo, { refs, folder, scratch, objects: join(objects, repo.name), env });
      this.#mark(repo.name, undefined);
    }
    // Before the agent's first turn, so nothing of the agent is replaced. A workspace that is made again gets them anew.
    await copyIncluded(folder, this.#deps.included(repo.name), { env, log });
    if (repo.setup !== "") {
      this.#report({ repo: repo.name, failed: false, reason: "its set-up runs" });
      const logFile = join(root, OWN_FOLDER, `${repo.name}-setup.log`);
      const settings = { REPO: repo.name, BASE: repo.base, BRANCH: repo.base };
      try {
        await runSetup({ command: repo.setup, cwd: folder, env: { ...env, ...settings }, logFile, ended });
      } catch (error) {
        throw new Error(`the set-up failed: ${(error as Error).message} (all of its output: ${logFile})`, { cause: error });
      }
    }
    this.#mark(repo.name, "done");
  }

  #operator(ended: AbortSignal): Promise<WorkspaceAnswer> {
    return new Promise((resolve, reject) => {
      const onEnd = (): void => reject(ended.reason as Error);
      ended.addEventListener("abort", onEnd, { once: true });
      this.#answer = (answer) => {
        ended.removeEventListener("abort", onEnd);
        this.#answer = undefined;
        resolve(answer);
      };
    });
  }

  #report(workspace: WorkspaceReport | null): void {
    this.#reported = workspace;
    this.#deps.report(workspace);
  }

  #folder(repo: string): string {
    return join(this.#deps.root, repo);
  }

  /** What has become of a set-up: of the clone that is there, not of one that the agent has removed. */
  #marked(repo: string): string | undefined {
    return read(this.#markFile(repo));
  }

  #mark(repo: string, what: "done" | "skipped" | undefined): void {
    if (what === undefined) rmSync(this.#markFile(repo), { force: true });
    else writeFileSync(this.#markFile(repo), `${what}\n`);
  }

  #markFile(repo: string): string {
    return join(this.#deps.root, OWN_FOLDER, `${repo}.setup`);
  }

  #writeConfigs(): void {
    const { root, port } = this.#deps;
    const own = join(root, OWN_FOLDER);
    if (this.#repos.length === 0) return rmSync(join(own, "gitconfig"), { force: true });
    mkdirSync(own, { recursive: true });
    for (const [name, text] of Object.entries(gitConfigs(this.#repos, port, root))) writeFileSync(join(own, name), text);
  }
}

function isClonedQuietly(folder: string): boolean {
  try {
    return isCloned(folder);
  } catch {
    // Something else is there.
    return false;
  }
}

/** The line of a file of our own, or undefined if there is none. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    // It has not been written yet.
    return undefined;
  }
}
