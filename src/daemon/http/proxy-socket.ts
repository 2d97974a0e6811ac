import { chmodSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { giveSocket, mayGiveTo, unixUser, type UnixUser } from "../../os/unix-user.ts";
import { openWay } from "../open-way.ts";

export interface ProxySocketDeps {
  /** The folder of sockets, and the socket in it. */
  run: string;
  path: string;
  /** Gives the socket to the proxy's user in the helper, if root has started the daemon through it. */
  w4rden: { giveProxySocket(): Promise<void> } | undefined;
  findUser?: (name: string) => Promise<UnixUser | undefined>;
  mayGiveTo?: (user: UnixUser) => boolean;
}

/**
 * Lets a server listen on the socket of the trusted proxy, which only the proxy's Unix user can open. Throws if there is
 * no such user, or if it cannot have the socket.
 */
export async function openProxySocket(server: Server, name: string, deps: ProxySocketDeps): Promise<void> {
  const { path, run, w4rden } = deps;
  const user = await (deps.findUser ?? unixUser)(name);
  if (!user)
    throw new Error(`HIVE_TRUSTED_PROXY: this host has no user ${name}: name the user as which the proxy runs, as in unix:caddy`);
  const isOwn = user.uid === process.getuid?.();
  if (!isOwn && !w4rden && !(deps.mayGiveTo ?? mayGiveTo)(user))
    throw new Error(
      `HIVE_TRUSTED_PROXY: this daemon runs as a user that can give a socket to no other user, and so not to ${name}: root has to start the hive (npm start)`,
    );
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
  chmodSync(path, 0o600);
  if (isOwn) return;
  openWay(user, run, path);
  if (w4rden) await w4rden.giveProxySocket();
  else giveSocket(path, user);
}
