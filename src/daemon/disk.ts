import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import type { AgentBus } from "../agents/events.ts";
import type { Paths } from "../lib/paths.ts";
import type { Service } from "../lib/services.ts";
import { HiveError } from "../wire/error.ts";

/** Bytes that are set aside while there is room, and given back when there is none: enough to stop in order. */
const BALLAST_BYTES = 8 * 1024 * 1024;
/** Free bytes below which nothing new is taken in. */
const LOW_BYTES = 4 * 1024 * 1024;
/** How often the free space is looked at. Milliseconds. */
const LOOK_EVERY_MS = 5_000;
const CHUNK = Buffer.alloc(1024 * 1024, 1);

export interface DiskDeps {
  paths: Pick<Paths, "state" | "ballast">;
  bus: Pick<AgentBus, "emit">;
  log: { info(words: string): void; warn(words: string): void };
}

/**
 * Watches the disk under the state folder. When it is nearly full the ballast goes, so that what runs can still be
 * finished and stopped, and `low` says that nothing new should be taken in. When there is room again, it comes back.
 */
export class Disk implements Service {
  readonly #folder: string;
  readonly #ballast: string;
  readonly #bus: Pick<AgentBus, "emit">;
  readonly #log: DiskDeps["log"];
  #timer: NodeJS.Timeout | undefined;
  low = false;

  constructor({ paths, bus, log }: DiskDeps) {
    this.#folder = paths.state;
    this.#ballast = paths.ballast;
    this.#bus = bus;
    this.#log = log;
  }

  start(): void {
    this.runOnce();
    this.#timer = setInterval(() => this.runOnce(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Looks because something failed; true when that was for want of room, or there is next to none. */
  after(error: unknown): boolean {
    const { code } = error as { code?: unknown };
    this.runOnce(code === "disk_full" || code === "ENOSPC");
    return this.low;
  }

  /** What to tell whoever asked for something that failed: a surprise on a full disk is no defect of ours. */
  explain(error: unknown): unknown {
    const isSurprise = !(error instanceof HiveError);
    if (!isSurprise && error.code !== "disk_full") return error;
    if (!this.after(error) || !isSurprise) return error;
    return new HiveError("disk_full", "the disk is full: free some room and try again", { cause: error });
  }

  /** Looks now. `full` says that a write has just been refused, whatever the figures say. */
  runOnce(full = false): void {
    const free = freeBytes(this.#folder);
    const had = this.low;
    if (full || free < LOW_BYTES) {
      rmSync(this.#ballast, { force: true });
      this.low = true;
    } else if (free > LOW_BYTES + BALLAST_BYTES || existsSync(this.#ballast)) {
      this.low = !existsSync(this.#ballast) && !layDown(this.#ballast);
    }
    if (had === this.low) return;
    if (this.low) this.#log.warn("the disk is nearly full: nothing new is taken in");
    else this.#log.info("there is room on the disk again");
    this.#bus.emit("changed", "hive");
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Writes the ballast with real bytes: a sparse file would hold nothing. False when it does not fit. */
function layDown(file: string): boolean {
  try {
    const fd = openSync(file, "w", 0o600);
    try {
      for (let written = 0; written < BALLAST_BYTES; written += CHUNK.length) writeSync(fd, CHUNK);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    return true;
  } catch {
    // It does not fit; the caller counts the disk as full.
    rmSync(file, { force: true });
    return false;
  }
}
