import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { startMapped, type IdRange, type MappedProgram } from "../os/user-namespace.ts";
import type { Account } from "./account.ts";
import { NODE, PROGRAM } from "./place.ts";

/** The exit code for what the daemon's user cannot see. */
const UNSEEN = 78;

/** What the daemon's user has to see, before its program starts. It tries as that user: only that proves it. */
const CHECK = `
state=$1 node=$2 main=$3
shift 3
if ! { [ -x "$node" ] && [ -r "$main" ]; }; then
  echo "hive-w4rden: the program cannot be read by other users: chmod -R o+rX the checkout, and Node's program" >&2
  exit ${UNSEEN}
fi
if ! { [ -w "$state" ] && [ -x "$state" ]; }; then
  echo "hive-w4rden: the daemon's user cannot enter $state: its parent folders have to be open to other users (chmod o+x); or choose another HIVE_STATE_DIR" >&2
  exit ${UNSEEN}
fi
exec "$@"
`;

export interface DaemonStart extends Pick<MappedProgram, "env" | "stdio" | "inside" | "onPid"> {
  account: Account;
  range: IdRange | undefined;
  state: string;
  /** Options of Node, and arguments of hive-c0re. */
  flags: readonly string[];
  argv: readonly string[];
}

/** Starts the daemon's program as its user. */
export function startDaemon({ account, state, flags, argv, ...rest }: DaemonStart): Promise<ChildProcess> {
  const main = join(PROGRAM, "dist", "hive-c0re.js");
  const checked = ["-c", CHECK, "hive-check", state, NODE, main];
  return startMapped({ ...rest, as: account, program: "/bin/sh", argv: [...checked, NODE, ...flags, main, ...argv] });
}
