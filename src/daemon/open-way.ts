import { chmodSync } from "node:fs";
import { barrierFor, type UnixUser } from "../os/unix-user.ts";
import { HiveError } from "../wire/error.ts";

/** Lets another user pass to its socket in the folder of sockets. Throws if a folder further up is closed to it. */
export function openWay(user: UnixUser, run: string, path: string): void {
  // It can list nothing in the folder, and open no other socket.
  chmodSync(run, 0o711);
  const barrier = barrierFor(user, path);
  if (barrier === undefined) return;
  throw new HiveError(
    "unavailable",
    `${user.name} cannot enter ${barrier}, so it would not reach ${path}: let it enter, or set HIVE_RUN_DIR to a folder that everyone can enter, such as /run/hyperhive`,
  );
}
