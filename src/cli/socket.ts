import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The state folder of the hive that root starts, unless root has one of an earlier version. */
const ROOT_STATE = "/var/lib/hyperhive";
/** The sockets of hives that run as a system service. */
const SYSTEM_SOCKETS = ["/run/hyperhive/host.sock", join(ROOT_STATE, "run", "host.sock")];

/** Finds host.sock where the daemon places it: by the settings, else the user's own hive, else the system's. */
export function findSocket(
  env: NodeJS.ProcessEnv,
  explicit: string | undefined,
  exists: (path: string) => boolean = existsSync,
  uid = process.getuid?.(),
): string {
  if (explicit !== undefined) return explicit;
  if (env["HIVE_RUN_DIR"]) return join(env["HIVE_RUN_DIR"], "host.sock");
  if (env["HIVE_STATE_DIR"]) return join(env["HIVE_STATE_DIR"], "run", "host.sock");
  const own = join(stateFolder(env, exists, uid), "run", "host.sock");
  return exists(own) ? own : (SYSTEM_SOCKETS.find(exists) ?? own);
}

/** The state folder of a hive, by the rules of the programs that start one. */
export function stateFolder(
  env: NodeJS.ProcessEnv,
  exists: (path: string) => boolean = existsSync,
  uid = process.getuid?.(),
): string {
  if (env["HIVE_STATE_DIR"]) return env["HIVE_STATE_DIR"];
  const own = join(env["XDG_STATE_HOME"] || join(env["HOME"] || homedir(), ".local", "state"), "hyperhive");
  return uid === 0 && !exists(own) ? ROOT_STATE : own;
}
