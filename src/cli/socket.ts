import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The socket of a hive that runs as a system service. */
const SYSTEM_SOCKET = "/run/hyperhive/host.sock";

/** Finds host.sock where the daemon places it: by the settings, else the user's own hive, else the system's. */
export function findSocket(
  env: NodeJS.ProcessEnv,
  explicit: string | undefined,
  exists: (path: string) => boolean = existsSync,
): string {
  if (explicit !== undefined) return explicit;
  if (env["HIVE_RUN_DIR"]) return join(env["HIVE_RUN_DIR"], "host.sock");
  if (env["HIVE_STATE_DIR"]) return join(env["HIVE_STATE_DIR"], "run", "host.sock");
  const own = join(stateFolder(env), "run", "host.sock");
  return exists(own) || !exists(SYSTEM_SOCKET) ? own : SYSTEM_SOCKET;
}

/** The state folder of a hive, by the daemon's rules. */
export function stateFolder(env: NodeJS.ProcessEnv): string {
  return env["HIVE_STATE_DIR"] || join(env["XDG_STATE_HOME"] || join(env["HOME"] || homedir(), ".local", "state"), "hyperhive");
}
