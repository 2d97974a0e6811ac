import { createHash } from "node:crypto";
import { Slots } from "../../lib/slots.ts";
import type { ChangeRecord } from "../../store/changes.ts";
import type { RiskMark } from "../../wire/approval.ts";
import { MAX_REASON_CHARS } from "../../wire/limits.ts";
import type { EarlyCheck, RepoSettings } from "../../wire/work.ts";
import { decidesWithoutOperator } from "../policy.ts";
import type { Repo } from "../repo-record.ts";
import type { Checks } from "./check/checks.ts";
import { mergeChange } from "./merge.ts";
import type { QueueParts } from "./run.ts";
import type { Slots as Numbers } from "./slots.ts";

/** Early checks that run at once, in the hive and of one agent. They leave memory and processors to the queues' checks. */
const EARLY = { most: 2, mostPerKey: 1 };

/** What is stored with a change of its early check. */
interface Stored extends Omit<EarlyCheck, "at"> {
  at: number;
  /** The commands that it ran. After a change of these it runs again. */
  commands: string;
}

export interface EarlyCheckDeps extends QueueParts {
  checks: Checks;
  /** Bounds the merges that git computes at once. */
  merges: Numbers;
  /** Aborts when the daemon stops. */
  ended: AbortSignal;
  /** True while nothing may begin on a repository. */
  isResting(repo: string): boolean;
}

/**
 * Runs the check of proposed changes before they are decided on, in repositories that ask for it: on a merge that is
 * thrown away. The result is stored with the change, and decides nothing. A run ends when its change leaves `proposed`
 * or gets a new round. A run that a stopped daemon has left begins again.
 */
export class EarlyChecks {
  readonly #deps: EarlyCheckDeps;
  readonly #slots = new Slots(EARLY);
  readonly #running = new Map<number, { key: string; stop: AbortController; done: Promise<void> }>();
  #isStarted = false;

  constructor(deps: EarlyCheckDeps) {
    this.#deps = deps;
  }

  /** Begins what is to be run. Those that could not be run are tried again. */
  start(): void {
    this.#isStarted = true;
    for (const row of this.#deps.context.store.changes.open()) this.look(row, { isRetry: true });
  }

  /** Begins or ends the run of a change, as its row and the settings say. */
  look(row: ChangeRecord, { isRetry = false } = {}): void {
    const repo = this.#deps.repositories.find(row.repo);
    const running = this.#running.get(row.id);
    const key = repo === undefined ? "" : keyOf(row, repo.settings);
    const isWanted = repo !== undefined && this.#isWanted(row, repo);
    if (running) {
      if (!isWanted || running.key !== key) running.stop.abort(new Error("the change has moved on"));
      return;
    }
    if (!isWanted || (hasResult(row, repo.settings) && !(isRetry && stored(row)?.state === "error"))) return;
    const stop = new AbortController();
    this.#running.set(row.id, { key, stop, done: this.#runOnce(row.id, repo, stop.signal) });
  }

  async #runOnce(id: number, repo: Repo, stop: AbortSignal): Promise<void> {
    // The caller knows of the run before its first write.
    await Promise.resolve();
    const row = this.#deps.context.store.changes.byId(id);
    if (row) await this.#run(row, repo, AbortSignal.any([stop, this.#deps.ended]));
    this.#running.delete(id);
    const now = this.#deps.context.store.changes.byId(id);
    if (now && !this.#deps.ended.aborted) this.look(now);
  }

  /** As `look`, for every open change of a repository. */
  lookAll(name: string): void {
    for (const row of this.#deps.context.store.changes.open()) if (row.repo === name) this.look(row);
  }

  /** Ends the runs on a repository. Those that are still wanted begin again with `lookAll`. */
  async end(name: string): Promise<void> {
    const all = [...this.#running].filter(([id]) => (this.#deps.context.store.changes.byId(id)?.repo ?? name) === name);
    for (const [, { stop }] of all) stop.abort(new Error(`the checks of ${name} rest`));
    for (const [, { done }] of all) await done;
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    for (let [run] = this.#running.values(); run; [run] = this.#running.values()) await run.done;
  }

  #isWanted(row: ChangeRecord, { settings }: Repo): boolean {
    if (!this.#isStarted || this.#deps.ended.aborted || this.#deps.isResting(row.repo)) return false;
    if (settings.check_on !== "propose" || settings.check.trim() === "" || row.state !== "proposed") return false;
    const isProtected = (JSON.parse(row.marks) as RiskMark[]).some(({ kind }) => kind === "protected");
    // Such a change goes straight into the queue, which runs the check.
    return decidesWithoutOperator({ settings, author: row.agent_name, isProtected })?.by !== "check";
  }

  async #run({ id, round, agent }: ChangeRecord, repo: Repo, ended: AbortSignal): Promise<void> {
    const { context } = this.#deps;
    const note = (result: Omit<Stored, "at" | "commands"> | undefined): Promise<void> => this.#note(id, round, repo, result);
    try {
      await note({ state: "waiting" });
      await this.#slots.run(agent, ended, () =>
        this.#deps.repositories.uses.during(repo.name, () => this.#check(id, repo, { ended, note }), ended),
      );
    } catch (error) {
      if (ended.aborted && this.#deps.ended.aborted) return;
      const words = error instanceof Error ? error.message : String(error);
      const isFull = context.disk.checkAfter(error);
      if (!ended.aborted && !isFull) context.onUnexpected(error);
      const reason = `the check could not be run: ${isFull ? "the disk is full" : words}`.slice(0, MAX_REASON_CHARS);
      await note(ended.aborted ? undefined : { state: "error", reason }).catch(context.onUnexpected);
    }
  }

  async #check(
    id: number,
    repo: Repo,
    { ended, note }: { ended: AbortSignal; note: (result: Omit<Stored, "at" | "commands">) => Promise<void> },
  ): Promise<void> {
    const { context, repositories, checks, merges, changes } = this.#deps;
    const row = changes.get(id);
    const tip = repositories.tip(repo.name, row.base);
    const onto = tip === undefined ? {} : { onto: tip };
    const slot = await merges.take(ended);
    const made = await mergeChange(context.git, row, { method: repo.settings.merge, tip, ended }).finally(() =>
      merges.give(slot),
    );
    if (made.kind === "conflict") return note({ state: "conflict", reason: made.reason, ...onto });
    if (made.kind === "contained") return note({ state: "passed", reason: "the base contains it already", ...onto });
    await note({ state: "running", ...onto });
    await context.failpoint("early_check");
    const end = await checks.run(row, repo.settings, { candidate: made.commit, tip, tags: repositories.tags(repo.name), ended });
    await note({ state: end.ok ? "passed" : "failed", ...(end.ok ? {} : { reason: end.reason }), ...onto });
  }

  /** Stores the result with its round. What an ended run has left unfinished is removed with `undefined`. */
  async #note(id: number, round: number, repo: Repo, result: Omit<Stored, "at" | "commands"> | undefined): Promise<void> {
    const { context, changes } = this.#deps;
    await context.store.write((tx) => {
      const row = context.store.changes.byId(id);
      if (row?.round !== round) return;
      if (result === undefined) {
        const state = stored(row)?.state;
        if (state === "waiting" || state === "running") changes.note(tx, id, { early_check: null });
        return;
      }
      const text: Stored = { ...result, at: context.now(), commands: commandsOf(repo.settings) };
      changes.note(tx, id, { early_check: JSON.stringify(text), ...(result.state === "running" ? { has_log: 1 } : {}) });
    });
  }
}

const stored = ({ early_check: text }: ChangeRecord): Stored | undefined =>
  text === null ? undefined : (JSON.parse(text) as Stored);

/** What a check does, short enough to be stored with each change. */
const commandsOf = ({ setup, check, merge, egress }: RepoSettings): string =>
  createHash("sha256")
    // Without hosts as before there were any, so that results stay.
    .update(JSON.stringify([setup, check, merge, ...(egress.length > 0 ? [egress] : [])]))
    .digest("hex");

const keyOf = ({ round }: ChangeRecord, settings: RepoSettings): string => `${round} ${commandsOf(settings)}`;

/** True if the check has ended, with the commands as they are now. */
function hasResult(row: ChangeRecord, settings: RepoSettings): boolean {
  const last = stored(row);
  return last !== undefined && last.state !== "waiting" && last.state !== "running" && last.commands === commandsOf(settings);
}
