import { growingPauses, type PauseRange } from "../../lib/pauses.ts";
import type { ChangeRecord } from "../../store/changes.ts";
import { HiveError } from "../../wire/error.ts";
import type { Remotes } from "../remote/remotes.ts";
import type { WorkContext } from "../work-context.ts";
import { ForgeApi } from "./api.ts";
import { changeForge, followPull, isLive, noteFailure, type FollowParts } from "./follow.ts";
import { ForgeWait } from "./http.ts";

/** Time between two looks at an open pull request. Milliseconds. */
export const POLL_MS = 60_000;
/** Pauses of a repository whose forge or upstream does not do what it is asked. */
const PAUSES: PauseRange = { firstMs: 60_000, mostMs: 15 * 60_000 };

/** Looks at one pull request in a row: it was merged while it was closed, and an earlier round of it was merged. */
const MAX_LOOKS = 3;

export interface PullRequestsDeps extends FollowParts {
  context: WorkContext;
  remotes: Remotes;
}

/** What a repository is asked for, and when. What is remembered here is lost with the daemon, and that is fine. */
interface Lane {
  /** When each change is looked at next. Milliseconds. */
  dues: Map<number, number>;
  /** Nothing is asked before. Milliseconds. */
  notBefore: number;
  /** The forge itself has asked to wait until then. */
  isAsked: boolean;
  pauses: Generator<number, never> | undefined;
  working: Promise<void> | undefined;
  /** Aborts when the repository is removed. */
  ended: AbortController;
}

/**
 * Follows the pull requests of changes: every minute, and as soon as a change moves. One call of a repository at a time;
 * repositories side by side. There is one timer, for the next look, and none while no pull request is open.
 */
export class PullRequests {
  readonly #deps: PullRequestsDeps;
  readonly #lanes = new Map<string, Lane>();
  readonly #ended = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isStarted = false;

  constructor(deps: PullRequestsDeps) {
    this.#deps = deps;
    deps.changes.onChanged((row) => this.#look(row));
  }

  /** Goes on with what the last daemon left. */
  start(): void {
    this.#isStarted = true;
    for (const { change, repo } of this.#deps.context.store.pulls.live()) this.#lane(repo).dues.set(change, 0);
    this.#run();
  }

  /** Ends what runs. The next daemon goes on with it. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#ended.abort(new Error("the daemon was stopped while it followed pull requests"));
    await this.idle();
  }

  /** Resolves when no call runs. */
  async idle(): Promise<void> {
    for (let busy = this.#busy(); busy.length > 0; busy = this.#busy()) await Promise.all(busy);
  }

  /** Ends what is asked for a removed repository. Its rows must be gone. Resolves when no call of it runs. */
  async forget(repo: string): Promise<void> {
    const lane = this.#lanes.get(repo);
    if (lane === undefined) return;
    this.#lanes.delete(repo);
    lane.dues.clear();
    lane.ended.abort(new Error(`the repository ${repo} was removed`));
    await lane.working;
  }

  #busy(): Promise<void>[] {
    return [...this.#lanes.values()].flatMap(({ working }) => working ?? []);
  }

  /**
   * Looks at every pull request of a repository now: its token or its settings may be better. Where the forge has asked
   * to wait, it is left alone, unless the token is another one.
   */
  kick(repo: string, { isNewToken = false } = {}): void {
    const lane = this.#lanes.get(repo);
    if (lane === undefined) return;
    if (!lane.isAsked || isNewToken) lane.notBefore = 0;
    lane.pauses = undefined;
    for (const id of lane.dues.keys()) lane.dues.set(id, 0);
    this.#run();
  }

  /** A change has moved. */
  #look({ id, repo, seq }: ChangeRecord): void {
    if (!this.#isStarted || this.#ended.signal.aborted) return;
    const { store } = this.#deps.context;
    const pull = store.pulls.of(id);
    // A newer row is on its way.
    if (pull === undefined || !isLive(pull) || (store.changes.byId(id)?.seq ?? seq) > seq) return;
    this.#lane(repo).dues.set(id, 0);
    this.#run();
  }

  #lane(repo: string): Lane {
    const lane = this.#lanes.get(repo) ?? {
      dues: new Map(),
      notBefore: 0,
      isAsked: false,
      pauses: undefined,
      working: undefined,
      ended: new AbortController(),
    };
    this.#lanes.set(repo, lane);
    return lane;
  }

  /** Begins what is due, and sets the timer for what is next. */
  #run(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#isStarted || this.#ended.signal.aborted) return;
    const now = this.#deps.context.now();
    let next = Infinity;
    for (const [repo, lane] of this.#lanes) {
      if (lane.working !== undefined || lane.dues.size === 0) continue;
      const due = dueOf(lane);
      if (due <= now) lane.working = this.#work(repo, lane);
      else next = Math.min(next, due);
    }
    if (next === Infinity) return;
    this.#timer = setTimeout(() => this.#run(), next - now);
    this.#timer.unref();
  }

  async #work(repo: string, lane: Lane): Promise<void> {
    try {
      while (!this.#ended.signal.aborted && !lane.ended.signal.aborted && lane.notBefore <= this.#deps.context.now()) {
        const id = [...lane.dues].find(([, due]) => due <= this.#deps.context.now())?.[0];
        if (id === undefined) break;
        await this.#one(repo, lane, id);
      }
    } finally {
      lane.working = undefined;
      this.#run();
    }
  }

  async #one(repo: string, lane: Lane, id: number): Promise<void> {
    const { context } = this.#deps;
    // Before the look: what moves meanwhile is looked at again.
    lane.dues.set(id, context.now() + POLL_MS);
    try {
      const pull = context.store.pulls.of(id);
      const stop = AbortSignal.any([this.#ended.signal, lane.ended.signal]);
      if (pull === undefined || !isLive(pull) || (await this.#follow(repo, id, stop)) === "gone") lane.dues.delete(id);
      lane.pauses = undefined;
      lane.isAsked = false;
    } catch (error) {
      if (this.#ended.signal.aborted || lane.ended.signal.aborted) return;
      await this.#failed(lane, id, error);
    }
  }

  async #follow(name: string, id: number, stop: AbortSignal): Promise<"followed" | "gone"> {
    const { context, repositories, remotes } = this.#deps;
    const repo = repositories.find(name);
    const pull = context.store.pulls.of(id);
    if (repo?.upstream?.kind !== "remote" || pull === undefined) return "gone";
    // Without the setting, what is open already is followed to its end.
    const forge = repo.settings.forge === "none" ? pull.forge : repo.settings.forge;
    if (forge !== pull.forge) await changeForge(this.#deps, id, forge);
    const api = new ForgeApi(remotes.forge(name, repo.upstream, forge), stop);
    for (let looks = 0; looks < MAX_LOOKS; looks++)
      if ((await followPull({ ...this.#deps, repo, api, id, stop })) === "done") break;
    const after = context.store.pulls.of(id);
    return after === undefined || !isLive(after) ? "gone" : "followed";
  }

  async #failed(lane: Lane, id: number, error: unknown): Promise<void> {
    const { context } = this.#deps;
    lane.pauses ??= growingPauses(PAUSES);
    const pause = lane.pauses.next().value;
    lane.isAsked = error instanceof ForgeWait;
    lane.notBefore = context.now() + (error instanceof ForgeWait ? Math.max(error.ms, pause) : pause);
    // The change comes after all others that are due: one that fails for ever does not keep them from their turn.
    lane.dues.delete(id);
    lane.dues.set(id, 0);
    if (!(error instanceof HiveError)) context.onUnexpected(error);
    try {
      if (error instanceof HiveError) await noteFailure(this.#deps, id, error);
    } catch (problem) {
      context.disk.checkAfter(problem);
      context.onUnexpected(problem);
    }
  }
}

const dueOf = ({ dues, notBefore }: Lane): number =>
  Math.max(
    notBefore,
    [...dues.values()].reduce((a, b) => Math.min(a, b), Infinity),
  );
