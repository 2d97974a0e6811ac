import type { Paths } from "../lib/paths.ts";
import type { Platform } from "../platforms/platform.ts";
import type { Config } from "./config.ts";
import type { Log } from "./log.ts";

export interface SystemDeps {
  config: Config;
  paths: Paths;
  log: Log;
  /** The daemon should stop its cages and end. */
  requestShutdown(words: string): void;
  /** Something failed after which nothing may be written: end at once. */
  onFatal(error: Error): void;
  /** What tests replace. The program overrides nothing. */
  overrides?: Overrides;
}

export interface Overrides {
  platform?: Partial<Platform>;
  runtime?: { revision: string; dir: string };
  now?: () => number;
  onUnexpected?: (error: unknown) => void;
  /** Named places between two steps of a deploy, for tests that break it there. */
  failpoint?: (name: string) => Promise<void>;
}
