import { runNow } from "../os/run-now.ts";
import { isAgentUid } from "../platforms/uids.ts";

/** The user that the daemon runs as on the host. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** Finds the system user. Makes it if it is missing: without a home, a password or a shell. */
export function openAccount(name: string): Account {
  const account = find(name) ?? make(name);
  if (account.uid === 0 || account.gid === 0) throw new Error(`the user ${name} is root: the daemon needs a user of its own`);
  if (isAgentUid(account.uid)) throw new Error(`the user ${name} has uid ${account.uid}, which is in the range of agents`);
  return account;
}

function make(name: string): Account {
  try {
    const shell = ["--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"];
    runNow("useradd", ["--system", "--user-group", ...shell, "--comment", "hyperhive daemon", name]);
  } catch (error) {
    throw new Error(`the system user ${name} is missing and cannot be made: make it yourself (${String(error)})`, {
      cause: error,
    });
  }
  const account = find(name);
  if (!account) throw new Error(`useradd made no user ${name}`);
  return account;
}

function find(name: string): Account | undefined {
  try {
    const [uid, gid] = ["-u", "-g"].map((what) => Number(runNow("id", [what, name])));
    return uid === undefined || gid === undefined ? undefined : { name, uid, gid };
  } catch {
    // There is no such user.
    return undefined;
  }
}
