import type { ReaderProgram } from "../files/reader-program.ts";
import type { Paths } from "../lib/paths.ts";
import type { Platform } from "../platforms/platform.ts";
import type { Config } from "./config.ts";
import type { Web } from "./egress-socket.ts";
import type { LoginCageDeps } from "./login/login-cage.ts";
import type { Net } from "../work/remote/dial.ts";
import type { Log } from "./log.ts";
import type { MoveOverride } from "./open-migration.ts";

export interface SystemDeps {
  config: Config;
  paths: Paths;
  log: Log;
  /** Asks the daemon to stop its cages and exit. */
  requestShutdown(words: string): void;
  /** Reports a failure after which nothing may be written. The process must exit at once. */
  onFatal(error: Error): void;
  /** Parts that tests replace. The program overrides nothing. */
  overrides?: Overrides;
}

export interface Overrides {
  platform?: Partial<Platform>;
  /** Where agents move to. */
  move?: MoveOverride;
  runtime?: { revision: string; dir: string };
  /** The program that reads agents' files, where the runtime has none. */
  reader?: ReaderProgram;
  now?: () => number;
  onUnexpected?: (error: unknown) => void;
  /** Called at named points between two steps of a deploy. Tests throw there. */
  failpoint?: (name: string) => Promise<void>;
  /** How upstreams on other hosts are found. */
  net?: Net;
  /** How cages reach the web. */
  web?: Web;
  /** What the CLI of a log-in to the model trusts besides its own certificates. */
  login?: Pick<LoginCageDeps, "trust">;
}
