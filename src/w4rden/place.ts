import {
  chownSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { runNow } from "../os/run-now.ts";
import { secretOfCredential } from "../wire/secrets.ts";
import { W4RDEN_PLACE } from "../wire/w4rden.ts";
import type { Account } from "./account.ts";

/**
 * The folder in which the daemon finds what root lets it see. On the host it is empty: its content is a file system in
 * memory, in the helper's mount namespace and those that come from it.
 */
const PLACE = W4RDEN_PLACE;
/** Files in memory: credentials, of which systemd passes at most 1 MiB, a socket and mount points. */
const PLACE_BYTES = "2m";
/** Where folders of the host are bound for the daemon, and where for the helper's own sandboxes alone. */
export const SHARED_PLACE = join(PLACE, "mounts");
export const OWN_PLACE = join(PLACE, "own");

/** An empty folder. */
export const NOTHING = join(PLACE, "nothing");

/** Paths of the daemon's program as the daemon sees them. On the host, the daemon may not be able to enter their folders. */
export const PROGRAM = join(PLACE, "program");
export const NODE = join(PLACE, "node");
/** The systemd credential for the model, and the folder of all that the daemon reads. */
const CREDENTIAL = "anthropic";
const CREDENTIALS = join(PLACE, "credentials");

/** Makes the place, with the program read-only in it. The folders are bound by descriptor, so no link can lead elsewhere. */
export function makePlace(sources: { program: string; node: string }): void {
  if (isNamespaceOf(process.ppid))
    throw new Error("hive-w4rden needs a mount namespace of its own: start it with dist/hive-w4rden");
  mkdirSync(PLACE, { recursive: true, mode: 0o755 });
  runNow("mount", ["-t", "tmpfs", "-o", `mode=755,nosuid,nodev,size=${PLACE_BYTES}`, "hive-w4rden", PLACE]);
  // What the helper mounts in it later appears in the daemon's namespace too.
  runNow("mount", ["--make-shared", PLACE]);
  mkdirSync(SHARED_PLACE);
  mkdirSync(NOTHING, { mode: 0o755 });
  mkdirSync(OWN_PLACE);
  runNow("mount", ["-t", "tmpfs", "-o", `mode=700,nosuid,nodev,size=${PLACE_BYTES}`, "hive-w4rden", OWN_PLACE]);
  runNow("mount", ["--make-private", OWN_PLACE]);
  mkdirSync(PROGRAM);
  bindReadOnly(sources.program, PROGRAM, constants.O_DIRECTORY);
  writeFileSync(NODE, "");
  bindReadOnly(sources.node, NODE, 0);
}

/** Whether another process shares this one's mounts. `dist/hive-w4rden` leaves those of its caller. */
function isNamespaceOf(pid: number): boolean {
  try {
    return readlinkSync("/proc/self/ns/mnt") === readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    // The caller has ended, or not even root may look at it.
    return false;
  }
}

function bindReadOnly(source: string, target: string, flags: number): void {
  const fd = openSync(source, constants.O_RDONLY | constants.O_NOFOLLOW | flags);
  try {
    // 3 is the descriptor in the program. Without `--no-canonicalize` it would look the path up again.
    runNow("mount", ["--no-canonicalize", "--bind", "-o", "ro,nosuid,nodev", "/proc/self/fd/3", target], [fd]);
  } finally {
    closeSync(fd);
  }
}

/**
 * Copies the systemd credentials that the daemon reads, which only root can: that of the model and secrets. Returns the
 * folder with them, or the given one if that has none.
 */
export function takeCredentials(folder: string | undefined, account: Account): string | undefined {
  if (folder === undefined) return undefined;
  const taken = readdirSync(folder).filter((name) => name === CREDENTIAL || secretOfCredential(name) !== undefined);
  if (taken.length === 0) return folder;
  mkdirSync(CREDENTIALS, { mode: 0o700 });
  for (const name of taken) {
    const copy = join(CREDENTIALS, name);
    writeFileSync(copy, readFileSync(join(folder, name)), { mode: 0o400 });
    chownSync(copy, account.uid, account.gid);
  }
  chownSync(CREDENTIALS, account.uid, account.gid);
  return CREDENTIALS;
}
