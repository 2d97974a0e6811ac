import type { WorkDone } from "../../wire/harness.ts";

/** Between two measurements: the pages stay current, and an agent with many short turns costs little. Milliseconds. */
export const MEASURE_EVERY_MS = 5_000;
/** A measurement takes at most one part in so many of the time. */
const REST_FACTOR = 10;

export interface WorkReportsDeps {
  /** The work in the agent's workspaces. Never rejects. */
  measure(): Promise<WorkDone[]>;
  report(work: WorkDone[]): void;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Calls back once after a time. Returns what ends the wait. */
  after(ms: number, run: () => void): () => void;
}

/**
 * Reports what an agent has done in its workspaces: at the end of a turn, and while someone looks also during it. Only
 * after something may have changed, so that an idle agent costs nothing.
 */
export class WorkReports {
  readonly #deps: WorkReportsDeps;
  #isWatched = false;
  /** Something may have changed since the last measurement began. */
  #isDirty = false;
  /** A turn has ended since. */
  #isDue = false;
  #notBefore = -Infinity;
  #measuring: Promise<void> | undefined;
  #endWait: (() => void) | undefined;
  #last: WorkDone[] | undefined;

  constructor(deps: WorkReportsDeps) {
    this.#deps = deps;
  }

  /** A new connection: its daemon gets what the last one knew. */
  assigned(isWatched: boolean): void {
    if (this.#last) this.#deps.report(this.#last);
    this.watched(isWatched);
  }

  watched(isWatched: boolean): void {
    this.#isWatched = isWatched;
    this.#plan();
  }

  /** A tool has run, or a workspace was made. */
  changed(): void {
    this.#isDirty = true;
    this.#plan();
  }

  turnEnded(): void {
    this.#isDue = true;
    this.#plan();
  }

  /** Resolves when everything so far is reported. */
  async settle(): Promise<void> {
    this.#endWait?.();
    this.#endWait = undefined;
    await this.#measuring;
    if (this.#isDirty) await this.#measure();
  }

  #plan(): void {
    if (!this.#isDirty || !(this.#isWatched || this.#isDue) || this.#measuring || this.#endWait) return;
    const wait = this.#notBefore - this.#deps.now();
    if (wait <= 0) return void this.#measure();
    this.#endWait = this.#deps.after(wait, () => {
      this.#endWait = undefined;
      this.#plan();
    });
  }

  #measure(): Promise<void> {
    const { measure, report, now } = this.#deps;
    const begun = now();
    [this.#isDirty, this.#isDue] = [false, false];
    this.#measuring = measure().then((work) => {
      const ended = now();
      this.#measuring = undefined;
      this.#notBefore = ended + Math.max(MEASURE_EVERY_MS, (ended - begun) * REST_FACTOR);
      if (JSON.stringify(work) !== JSON.stringify(this.#last)) report((this.#last = work));
      this.#plan();
    });
    return this.#measuring;
  }
}
