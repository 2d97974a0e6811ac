import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import type { AgentBus } from "../agents/events.ts";
import type { Paths } from "../lib/paths.ts";
import { isNoRoom } from "../lib/no-room.ts";
import type { Service } from "../lib/services.ts";
import { HiveError } from "../wire/error.ts";

/** Bytes that are reserved while there is room, and freed when the disk is full. They suffice for an orderly stop. */
const BALLAST_BYTES = 8 * 1024 * 1024;
/** Below this many free bytes new data is refused. */
const LOW_BYTES = 4 * 1024 * 1024;
/** How often the free space is checked. Milliseconds. */
const CHECK_EVERY_MS = 5_000;
const CHUNK = Buffer.alloc(1024 * 1024, 1);

export interface DiskDeps {
  paths: Pick<Paths, "state" | "ballast">;
  bus: Pick<AgentBus, "emit">;
  log: { info(words: string): void; warn(words: string): void };
}

/**
 * Watches the disk under the state folder. When it is nearly full, the ballast is removed, so that running work can
 * finish and stop, and `low` is true: new data is refused. When there is room again, the ballast is written again.
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
    this.#timer = setInterval(() => this.runOnce(), CHECK_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Checks the disk after an error. Returns true if the disk is full or nearly full. */
  checkAfter(error: unknown): boolean {
    const { code } = error as { code?: unknown };
    this.runOnce(code === "disk_full" || isNoRoom(error));
    return this.low;
  }

  /**
   * Returns the error for the caller. An unexpected error on a full disk becomes `disk_full`, because it is not a
   * defect.
   */
  explain(error: unknown): unknown {
    const isUnexpected = !(error instanceof HiveError);
    if (!isUnexpected && error.code !== "disk_full") return error;
    if (!this.checkAfter(error) || !isUnexpected) return error;
    return new HiveError("disk_full", "the disk is full: free some room and try again", { cause: error });
  }

  /** Checks the disk now. `full` means that a write has just failed for lack of room, whatever the free space is. */
  runOnce(full = false): void {
    const free = freeBytes(this.#folder);
    const had = this.low;
    if (full || free < LOW_BYTES) {
      rmSync(this.#ballast, { force: true });
      this.low = true;
    } else if (free > LOW_BYTES + BALLAST_BYTES || existsSync(this.#ballast)) {
      this.low = !existsSync(this.#ballast) && !writeBallast(this.#ballast);
    }
    if (had === this.low) return;
    if (this.low) this.#log.warn("the disk is nearly full: new data is refused until there is room");
    else this.#log.info("there is room on the disk again");
    this.#bus.emit("changed", "hive");
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/**
 * Writes the ballast with real bytes, because a sparse file would reserve nothing. Returns false if there is no room.
 */
function writeBallast(file: string): boolean {
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
    // There is no room. The caller counts the disk as full.
    rmSync(file, { force: true });
    return false;
  }
}
