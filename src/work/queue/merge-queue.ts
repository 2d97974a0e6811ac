import { hivectl } from "../../lib/hivectl.ts";
import { growingPauses, type PauseRange } from "../../lib/pauses.ts";
import type { ChangeRecord } from "../../store/changes.ts";
import { HiveError } from "../../wire/error.ts";
import { MAX_REASON_CHARS } from "../../wire/limits.ts";
import { isBeingMerged } from "../../wire/change-states.ts";
import type { RiskMark } from "../../wire/approval.ts";
import { SYSTEM } from "../../wire/names.ts";
import { operatorWords } from "../../wire/roles.ts";
import { UNDECIDED } from "../change-store.ts";
import { stillCounts } from "../policy.ts";
import { DIVERGED, type Repositories } from "../repositories.ts";
import { fetchesFirst, type Repo } from "../repo-record.ts";
import { Checks } from "./check/checks.ts";
import { CHECK_LIMITS, type CheckLimits } from "./check/limits.ts";
import { EarlyChecks } from "./early-checks.ts";
import { Lane } from "./lane.ts";
import { recoverQueues } from "./recovery.ts";
import { isWithUpstream, settle, type QueueParts, type Run, type RunEnd } from "./run.ts";
import { checkStep } from "./steps/check.ts";
import { mergeStep } from "./steps/merge.ts";
import { pullRequestStep } from "./steps/pull-request.ts";
import { pushStep } from "./steps/push.ts";
import { Slots } from "./slots.ts";
import { Vetoes } from "./vetoes.ts";

/** Attempts of a change whose base moves while it is merged. After that its owner decides. */
export const MAX_LOST_RACES = 5;
/** Merges that git computes at once: each may take the memory of a large repository's index. */
const MAX_MERGES = 4;
/** Pauses between two attempts to store the end of an attempt. Milliseconds. */
const PERSIST: PauseRange = { firstMs: 50, mostMs: 10_000 };

/**
 * The merge queues: one for each base of each repository. A queue merges one change at a time; different queues run side
 * by side. The rows are the authority: a queue asks them for its next change, and stores each step before it is made.
 */
export class MergeQueue {
  readonly #parts: QueueParts;
  readonly #checks: Checks;
  readonly #merges = new Slots(MAX_MERGES);
  readonly #lanes = new Map<string, Lane>();
  readonly #ended = new AbortController();
  readonly #vetoes: Vetoes;
  readonly #early: EarlyChecks;
  /** Repositories whose queues begin nothing, with how many have asked for that. */
  readonly #resting = new Map<string, number>();
  #isStarted = false;

  constructor(parts: QueueParts, limits: Partial<CheckLimits> = {}) {
    const { context, changes } = parts;
    this.#parts = parts;
    this.#checks = new Checks(context, { ...CHECK_LIMITS, ...limits });
    this.#vetoes = new Vetoes(context, (id) => this.enqueue(id));
    this.#early = new EarlyChecks({
      ...this.#parts,
      checks: this.#checks,
      merges: this.#merges,
      ended: this.#ended.signal,
      isResting: (repo) => this.#resting.has(repo),
    });
    changes.onChanged((row) => this.#early.look(row));
  }

  /** Finishes what the last daemon left, then runs every queue. */
  async start(): Promise<void> {
    await recoverQueues(this.#parts, this.#checks);
    await this.#parts.changes.withdrawOrphans();
    this.#isStarted = true;
    await this.#vetoes.start();
    for (const { repo, base } of this.#parts.context.store.changes.open().filter(isForQueue)) this.kick(repo, base);
    this.#early.start();
  }

  /** Ends running checks, waits for steps that take no time, and leaves the rest to the next daemon. */
  async stop(): Promise<void> {
    this.#vetoes.stop();
    this.#ended.abort(new Error("the daemon was stopped before the merge was done"));
    for (const lane of this.#lanes.values()) lane.wake();
    await this.idle();
  }

  /** Resolves when no queue works and no check runs. */
  async idle(): Promise<void> {
    for (let [lane] = this.#lanes.values(); lane; [lane] = this.#lanes.values()) await lane.working;
    await this.#early.idle();
  }

  /** Begins and ends early checks, after the settings of a repository have changed. */
  settingsChanged(repo: string): void {
    this.#early.lookAll(repo);
  }

  /** Puts an approved change at the end of its queue. */
  async enqueue(id: number): Promise<ChangeRecord> {
    const { context, changes } = this.#parts;
    const row = await context.store.write((tx) =>
      changes.move(tx, id, "enqueue", SYSTEM, { queued_at: context.now(), reason: null }),
    );
    this.kick(row.repo, row.base);
    return row;
  }

  /** Puts a change that a reviewer has approved into its queue when the time for a veto is over. */
  afterVeto(_id: number): void {
    this.#vetoes.schedule();
  }

  /** Puts the changes into their queues whose time for a veto is over now. */
  runVetoes(): Promise<void> {
    return this.#vetoes.runOnce();
  }

  /** Lets a queue go on, if it has something to do and is not held. */
  kick(repo: string, base: string): void {
    const key = `${repo}\0${base}`;
    const lane = this.#lanes.get(key) ?? new Lane(repo, base, this.#ended.signal);
    lane.wake();
    if (lane.working !== undefined || (this.#next(lane) ?? this.#left(lane)) === undefined) return;
    this.#lanes.set(key, lane);
    lane.working = this.#work(lane, key);
  }

  /** Stops a queue after the change that it is merging. */
  async pause(repo: string, base: string, by: string): Promise<void> {
    await this.#parts.repositories.hold(repo, base, { by: "operator", reason: `${operatorWords(by)} paused it` }, by);
  }

  /** Lets a queue go on that was paused or that the daemon has stopped. */
  async resume(repo: string, base: string, by: string): Promise<void> {
    const hold = this.#parts.repositories.find(repo)?.holds[base];
    if (hold?.diverged)
      throw new HiveError(
        "conflict",
        `the queue of ${base} cannot go on: ${DIVERGED}; ${hivectl(`repo reconcile ${repo} --base ${base}`)} shows them and what can be done`,
      );
    await this.#parts.repositories.hold(repo, base, undefined, by);
    this.kick(repo, base);
  }

  /** Lets every queue of a repository go on that is not held. */
  kickAll(repo: string): void {
    const rows = this.#parts.context.store.changes.open().filter((row) => row.repo === repo && isForQueue(row));
    for (const { base } of rows) this.kick(repo, base);
  }

  /** Ends what the queues of a removed repository do. Its rows must be gone. */
  async forget(repo: string): Promise<void> {
    const lanes = [...this.#lanes.values()].filter((lane) => lane.repo === repo);
    for (const lane of lanes) lane.end(new Error(`the repository ${repo} was removed`));
    for (const { working } of lanes) await working;
    await this.#early.end(repo);
  }

  /**
   * Runs work while no queue of a repository merges. A merge that runs is finished first, with its check; with `now` it
   * goes back into its queue. Early checks are ended, and begin again afterwards.
   */
  async during<T>(repo: string, { now }: { now: boolean }, work: () => Promise<T>): Promise<T> {
    this.#resting.set(repo, (this.#resting.get(repo) ?? 0) + 1);
    try {
      const lanes = [...this.#lanes.values()].filter((lane) => lane.repo === repo);
      for (const lane of lanes) {
        lane.wake();
        if (now) lane.interrupt(new Error(`the merges of ${repo} rest`));
      }
      await this.#early.end(repo);
      for (const { working } of lanes) await working;
      return await work();
    } finally {
      const left = (this.#resting.get(repo) ?? 1) - 1;
      if (left > 0) this.#resting.set(repo, left);
      else this.#resting.delete(repo);
      this.kickAll(repo);
      this.#early.lookAll(repo);
    }
  }

  /** Makes a change the next one of its queue. */
  async toFront(id: number, by: string): Promise<ChangeRecord> {
    const { context, changes } = this.#parts;
    const { store } = context;
    return store.write((tx) => {
      const row = changes.get(id);
      changes.check(row, "dequeue");
      if (row.state !== "queued")
        throw new HiveError("conflict", `change ${id} waits in no queue: it is in a pull request, which the other host merges`);
      const [first] = store.changes.queued(row.repo, row.base);
      if (first === undefined || first.id === id) return row;
      const next = changes.note(tx, id, { queued_at: (first.queued_at ?? 0) - 1 });
      const detail = { change: id, repo: row.repo, base: row.base };
      store.ledger.audit(store.nextSeq(), {
        at: context.now(),
        actor: by,
        kind: "change_to_front",
        agent: row.agent_name,
        detail,
      });
      return next;
    });
  }

  /** Takes a change out of its queue. Its approval ends. */
  async dequeue(id: number, note: string | undefined, by: string): Promise<ChangeRecord> {
    const { context, changes } = this.#parts;
    const patch = { ...UNDECIDED, note: note?.trim() || null };
    return context.store.write((tx) => changes.move(tx, id, "dequeue", by, patch));
  }

  /** The change that a queue would merge now. */
  #next({ repo, base }: Pick<Lane, "repo" | "base">): ChangeRecord | undefined {
    if (!this.#isStarted || this.#ended.signal.aborted || this.#resting.has(repo)) return undefined;
    const found = this.#parts.repositories.find(repo);
    if (found === undefined || found.holds[base] !== undefined) return undefined;
    return this.#parts.context.store.changes.queued(repo, base)[0];
  }

  /** A change that an attempt has left unfinished, because its end could not be stored. No attempt runs. */
  #left({ repo, base }: Pick<Lane, "repo" | "base">): ChangeRecord | undefined {
    if (!this.#isStarted || this.#ended.signal.aborted) return undefined;
    return this.#parts.context.store.changes.merging().find((row) => row.repo === repo && row.base === base);
  }

  async #work(lane: Lane, key: string): Promise<void> {
    try {
      const left = this.#left(lane);
      if (left && !(await this.#settled(lane, left.id, null))) return;
      for (let row = this.#next(lane); row !== undefined; row = this.#next(lane)) await this.#mergeOne(lane, row);
    } catch (error) {
      this.#parts.context.onUnexpected(error);
    } finally {
      // In the same moment as the last look at the rows, so that no change is missed.
      this.#lanes.delete(key);
    }
  }

  async #mergeOne(lane: Lane, { id, repo: name }: ChangeRecord): Promise<void> {
    const repo = this.#parts.repositories.get(name);
    try {
      if (fetchesFirst(repo) && !(await this.#refreshed(lane, id))) return;
      const end = await this.#parts.repositories.uses.during(name, () => this.#attempt(lane, repo, id), lane.ended);
      if (end === "lost") await this.#lostRace(lane, id);
      else lane.forget(id);
    } catch (error) {
      await this.#failed(lane, id, error);
    }
    // Its agent may have been destroyed meanwhile: no agent goes on with what has come back.
    await this.#persist(() => this.#parts.changes.withdrawOrphans(id));
  }

  async #attempt(lane: Lane, repo: Repo, id: number): Promise<RunEnd> {
    const { context, repositories, changes, swaps } = this.#parts;
    const { base } = lane;
    const ended = lane.begin(id);
    if (await this.#hasLostItsApproval(repo, id)) return "returned";
    const tip = repositories.tip(repo.name, base);
    const upstreamTip = swaps.applies(repo) ? await swaps.tip(repo, base) : undefined;
    if (tip === undefined && !mayBegin(repositories, repo, base)) {
      const reason = `${repo.name} no longer has a base ${base}: propose it for another one`;
      await context.store.write((tx) => changes.move(tx, id, "orphan", SYSTEM, { reason }));
      return "returned";
    }
    const common = { checks: this.#checks, merges: this.#merges, ended, stopped: lane.ended };
    const run: Run = { ...this.#parts, ...common, id, repo, base, tip, upstreamTip };
    const merged = await mergeStep(run);
    if (merged === undefined) return "returned";
    if (!merged.isContained && !(await checkStep(run, merged))) return "returned";
    const { forge } = repo.settings;
    return forge === "none" || merged.isContained ? pushStep(run, merged) : pullRequestStep(run, forge);
  }

  /**
   * Takes a change out of its queue that was approved without the operator, if the repository's settings leave it to the
   * operator by now: another policy, no check, another reviewer.
   */
  async #hasLostItsApproval(repo: Repo, id: number): Promise<boolean> {
    const { context, changes } = this.#parts;
    const row = context.store.changes.byId(id);
    if (row === undefined) return true;
    const isProtected = (JSON.parse(row.marks) as RiskMark[]).some(({ kind }) => kind === "protected");
    if (stillCounts(row.decided_by, { settings: repo.settings, author: row.agent_name, isProtected })) return false;
    const note = `the approval${row.decided_by === null ? "" : ` by ${row.decided_by}`} no longer counts, because the settings of ${repo.name} have changed: the operator decides`;
    await context.store.write((tx) => {
      if (context.store.changes.byId(id)?.state === "queued") changes.move(tx, id, "dequeue", SYSTEM, { ...UNDECIDED, note });
    });
    return true;
  }

  /**
   * Fetches before a merge that is pushed first. False if the change has to wait: its upstream does not answer, and the
   * pause is over, or its base is held now.
   */
  async #refreshed(lane: Lane, id: number): Promise<boolean> {
    const { context, changes, swaps } = this.#parts;
    try {
      await swaps.refresh(lane.repo, lane.ended);
    } catch (error) {
      if (!(error instanceof HiveError) || lane.ended.aborted) throw error;
      await this.#say(id, `the upstream is asked again later: ${error.message}`);
      await lane.untilAsked();
      return false;
    }
    lane.answered();
    if (changes.get(id).reason !== null) await context.store.write((tx) => changes.note(tx, id, { reason: null }));
    return this.#next(lane)?.id === id;
  }

  /**
   * Brings a change that an attempt has left to rest. One that may be in its upstream stays as it is until the upstream
   * has answered. False if the daemon stops before, or the queue rests.
   */
  async #settled(lane: Lane, id: number, reason: string | null): Promise<boolean> {
    const { context, swaps } = this.#parts;
    for (;;) {
      const row = context.store.changes.byId(id);
      if (row === undefined) return true;
      if (!isWithUpstream(this.#parts, row)) break;
      if (lane.ended.aborted || this.#resting.has(lane.repo)) return false;
      try {
        await swaps.refresh(lane.repo, lane.ended);
        lane.answered();
        break;
      } catch (error) {
        if (lane.ended.aborted) return false;
        if (!(error instanceof HiveError)) throw error;
        await this.#say(id, `whether the upstream has it is not known yet, and is asked again: ${error.message}`);
        await lane.untilAsked();
      }
    }
    await this.#persist(() => settle(this.#parts, id, reason));
    return true;
  }

  /** Shows why a change waits. */
  async #say(id: number, words: string): Promise<void> {
    const { context, changes } = this.#parts;
    const reason = words.slice(0, MAX_REASON_CHARS);
    if (context.store.changes.byId(id) === undefined || changes.get(id).reason === reason) return;
    await context.store.write((tx) => changes.note(tx, id, { reason }));
  }

  /** The base has moved while the change was merged: it is merged again, onto the new tip. */
  async #lostRace(lane: Lane, id: number): Promise<void> {
    const { context, changes } = this.#parts;
    const lost = (lane.lost.get(id) ?? 0) + 1;
    lane.lost.set(id, lost);
    if (lost < MAX_LOST_RACES) {
      await this.#settled(lane, id, `${lane.base} moved while it was merged`);
      return;
    }
    lane.forget(id);
    const reason = `${lane.base} moved ${MAX_LOST_RACES} times while it was merged: try again when less is pushed to it`;
    await this.#persist(() => context.store.write((tx) => changes.move(tx, id, "fail_push", SYSTEM, { reason })));
  }

  /** Brings a change whose attempt failed to rest, and decides whether its queue goes on. */
  async #failed(lane: Lane, id: number, error: unknown): Promise<void> {
    const { context, repositories, swaps } = this.#parts;
    const isFull = context.disk.checkAfter(error);
    const words = messageOf(error);
    const reason = isFull
      ? "the disk is full: the queue waits for room"
      : `the merge failed: ${words}`.slice(0, MAX_REASON_CHARS);
    // The repository may have been removed meanwhile, with its changes.
    if (context.store.changes.byId(id) === undefined) return;
    const isStopped = this.#ended.signal.aborted || lane.isInterrupted;
    if (!(await this.#settled(lane, id, isStopped ? null : reason)) || isStopped) return;
    const row = context.store.changes.byId(id);
    const repo = repositories.find(lane.repo);
    if (error instanceof HiveError && repo !== undefined && swaps.applies(repo)) return this.#pushFailed(lane, id, error);
    if (isFull) return lane.untilRoom();
    context.onUnexpected(error);
    // An error after the end was stored changes nothing.
    if (row?.state !== "queued") return lane.forget(id);
    if (!lane.failed.has(id)) {
      lane.failed.add(id);
      return;
    }
    lane.forget(id);
    const why = `change ${id} could not be merged twice: ${words}`.slice(0, MAX_REASON_CHARS);
    await this.#persist(() => repositories.hold(lane.repo, lane.base, { by: "system", reason: why }));
  }

  /** The push of a change did not work. The upstream has answered since, and does not have it: not a defect. */
  async #pushFailed(lane: Lane, id: number, error: HiveError): Promise<void> {
    const { context, repositories } = this.#parts;
    if (context.store.changes.byId(id)?.state !== "queued") return lane.forget(id);
    const failed = (lane.lost.get(id) ?? 0) + 1;
    lane.lost.set(id, failed);
    // What only the operator can change is not tried again.
    if (failed < MAX_LOST_RACES && error.code === "unavailable") return;
    lane.forget(id);
    const reason = `change ${id} could not be pushed: ${error.message}`.slice(0, MAX_REASON_CHARS);
    await this.#persist(() => repositories.hold(lane.repo, lane.base, { by: "system", reason }));
  }

  /** Retries until it succeeds or the daemon stops, so that a full disk only delays it. */
  async #persist<T>(act: () => Promise<T>): Promise<T | undefined> {
    const pauses = growingPauses(PERSIST);
    for (let tries = 1; ; tries++) {
      try {
        return await act();
      } catch (error) {
        this.#parts.context.disk.checkAfter(error);
        this.#parts.context.onUnexpected(error);
        // The next daemon finds the row as it is.
        if (this.#ended.signal.aborted && tries > 1) return undefined;
      }
      // The first retry is immediate, because the disk reserve has just been freed.
      if (tries > 1) await new Promise((resolve) => setTimeout(resolve, pauses.next().value));
    }
  }
}

/** True for a change that waits in a queue, or that an attempt has left. */
const isForQueue = ({ state }: ChangeRecord): boolean => state === "queued" || isBeingMerged(state);

/** True if a change may create the base: the first of an empty repository. */
function mayBegin(repositories: Repositories, repo: Repo, base: string): boolean {
  return base === repo.settings.base && repositories.tips(repo.name).size === 0;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
