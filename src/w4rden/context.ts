import type { IdRange } from "../os/user-namespace.ts";
import type { Account } from "./account.ts";
import type { Binds } from "./binds.ts";
import type { HiveContainers } from "./containers/port.ts";

/** What a verb may use. All of it is root's: nothing comes from the daemon. */
export interface VerbContext {
  account: Account;
  range: IdRange;
  state: string;
  /** The folder of the daemon's sockets. */
  run: string;
  /** The Unix user of the trusted proxy, as root's environment names it. */
  proxy: { uid: number } | undefined;
  etc: string;
  /** What root runs: the folder of the program, and Node. */
  programs: readonly string[];
  binds: Binds;
  /** Set if cages are containers of this host. */
  containers?: HiveContainers;
}
