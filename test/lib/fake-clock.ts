import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The path of Debian's libfaketime, by architecture. */
function library(): string {
  const folders = ["/usr/lib", ...readdirSync("/usr/lib").map((name) => join("/usr/lib", name))];
  for (const folder of folders) {
    try {
      if (readdirSync(join(folder, "faketime")).includes("libfaketimeMT.so.1"))
        return join(folder, "faketime/libfaketimeMT.so.1");
    } catch {
      // Not this one.
    }
  }
  throw new Error("libfaketime is not installed: apt-get install faketime (npm test does it)");
}

/**
 * A wall clock that a test can set while a daemon runs under it. Timers behave as on a host whose clock is set: the
 * monotonic clock never jumps.
 */
export class FakeClock {
  readonly env: Record<string, string>;
  readonly #file: string;

  constructor(folder: string) {
    this.#file = join(folder, "clock");
    this.set(0);
    this.env = {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      DONT_FAKE_MONOTONIC: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    };
  }

  /** Sets the clock's offset in milliseconds from now on. */
  set(offsetMs: number): void {
    writeFileSync(this.#file, `${offsetMs < 0 ? "-" : "+"}${Math.abs(offsetMs) / 1000}\n`);
  }
}
