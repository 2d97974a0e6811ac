import { egressServer, type EgressDeps, type EgressRecord } from "../gateway/egress/proxy.ts";
import { closeHttp, listenHttp } from "../rpc/http-listener.ts";
import type { Identity } from "../platforms/port.ts";
import { giveToGroup } from "./give-to-group.ts";

/** Connections of one such cage: an installer opens some dozens at once. */
const MAX_CONNECTIONS = 64;

/** How the web is reached. */
export type Web = Pick<EgressDeps, "resolve" | "isPublic" | "connect">;

/**
 * Opens proxies for cages that belong to no agent: a log-in, a check. Only the identity of its cage may connect to one.
 * `id` names the cage in records. `close` ends its connections.
 */
export function openEgressSocket(web: Web) {
  return async ({ path, identity, id, hosts, onRecord }: EgressSocket): Promise<{ close(): Promise<void> }> => {
    const server = await listenHttp(egressServer(id, { ...web, hostsOf: () => hosts, onRecord }), path, MAX_CONNECTIONS);
    giveToGroup(path, identity, 0o660);
    return { close: () => closeHttp(server) };
  };
}

interface EgressSocket {
  path: string;
  identity: Identity;
  id: string;
  hosts: readonly string[];
  onRecord(record: EgressRecord): void;
}
