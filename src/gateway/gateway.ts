import { createServer, type Server } from "node:http";
import { rmSync } from "node:fs";
import { boundConnections } from "../rpc/connection-limit.ts";
import { egressServer, type EgressDeps } from "./egress/proxy.ts";
import { modelProxy, type ModelProxyDeps } from "./model/proxy.ts";

/** Connections that one cage may keep open to one of its gateway sockets. */
const MAX_CONNECTIONS = 64;
/** Connections that may wait to be accepted. The kernel refuses further ones without a reason. */
const BACKLOG = 4096;
/** Maximum time for a request's headers, so that a slow writer cannot keep a connection. Milliseconds. */
const HEADERS_MS = 20_000;

export interface Listening {
  close(): Promise<void>;
}

/** The only way out of every cage: its model.sock and its egress.sock. */
export class Gateway {
  readonly #model: ModelProxyDeps;
  readonly #egress: EgressDeps;

  constructor(deps: { model: ModelProxyDeps; egress: EgressDeps }) {
    this.#model = deps.model;
    this.#egress = deps.egress;
  }

  /** Opens both sockets of an agent. Replaces socket files of an earlier daemon. */
  async listen(agent: { id: string; name: string }, paths: { model: string; egress: string }): Promise<Listening> {
    const model = createServer({ requestTimeout: 0 }, modelProxy(agent, this.#model));
    const egress = egressServer(agent.id, this.#egress);
    const servers = [await bind(model, paths.model), await bind(egress, paths.egress)];
    return {
      close: async () => {
        await Promise.all(servers.map(unbind));
      },
    };
  }
}

function bind(server: Server, path: string): Promise<Server> {
  server.headersTimeout = HEADERS_MS;
  boundConnections(server, MAX_CONNECTIONS);
  rmSync(path, { force: true });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

function unbind(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
