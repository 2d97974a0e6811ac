import { accessSync, constants, existsSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { dirname, join } from "node:path";

/** The state folder of the hive that root starts, unless root has one of an earlier version. */
const ROOT_STATE = "/var/lib/hyperhive";
/** The sockets of hives that run as a system service. */
const SYSTEM_SOCKETS = ["/run/hyperhive/host.sock", join(ROOT_STATE, "run", "host.sock")];

/** What is known of sockets without opening them. */
export interface Sight {
  exists(path: string): boolean;
  /** True if this user may open the socket. */
  mayOpen(path: string): boolean;
  /** The name and the number of this user. */
  user(): string;
  uid: number | undefined;
}

const SIGHT: Sight = {
  exists: existsSync,
  mayOpen(path) {
    try {
      accessSync(path, constants.W_OK);
      return true;
    } catch {
      // It does not exist, or is another's. The error of the connection says which.
      return false;
    }
  },
  user: () => userInfo().username,
  uid: process.getuid?.(),
};

/**
 * Finds the socket to use: that of the settings, else of the user's own hive, else of the system's. A user who may not
 * open its host.sock gets the socket of the operator of the same name, else the one that the hive has linked to the
 * user's number.
 */
export function findSocket(env: NodeJS.ProcessEnv, explicit: string | undefined, sight: Sight = SIGHT): string {
  if (explicit !== undefined) return explicit;
  const host = hostSocket(env, sight);
  if (sight.mayOpen(host)) return host;
  const names = [sight.user(), ...(sight.uid === undefined ? [] : [String(sight.uid)])];
  return names.map((name) => join(dirname(host), "operators", `${name}.sock`)).find((own) => sight.mayOpen(own)) ?? host;
}

/** host.sock where the daemon places it. */
function hostSocket(env: NodeJS.ProcessEnv, { exists, uid }: Sight): string {
  if (env["HIVE_RUN_DIR"]) return join(env["HIVE_RUN_DIR"], "host.sock");
  if (env["HIVE_STATE_DIR"]) return join(env["HIVE_STATE_DIR"], "run", "host.sock");
  const own = join(stateFolder(env, exists, uid), "run", "host.sock");
  return exists(own) ? own : (SYSTEM_SOCKETS.find(exists) ?? own);
}

/** The command that starts the hive of a state folder, for a shell without settings. */
export function startCommand(state: string, env: NodeJS.ProcessEnv, exists?: (path: string) => boolean, uid?: number): string {
  if (state === stateFolder({ ...env, HIVE_STATE_DIR: undefined }, exists, uid)) return "npm start";
  const word = /^[\w./-]+$/.test(state) ? state : `'${state.replaceAll("'", String.raw`'\''`)}'`;
  return `HIVE_STATE_DIR=${word} npm start`;
}

/** The state folder of a hive, by the rules of the programs that start one. */
export function stateFolder(
  env: NodeJS.ProcessEnv,
  exists: (path: string) => boolean = existsSync,
  uid = process.getuid?.(),
): string {
  if (env["HIVE_STATE_DIR"]) return env["HIVE_STATE_DIR"];
  const own = join(env["XDG_STATE_HOME"] || join(env["HOME"] || homedir(), ".local", "state"), "hyperhive");
  return uid === 0 && !exists(join(own, "hive.db")) ? ROOT_STATE : own;
}
