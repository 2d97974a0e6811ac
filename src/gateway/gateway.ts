import { createServer } from "node:http";
import { closeHttp, listenHttp } from "../rpc/http-listener.ts";
import { egressServer, type EgressDeps } from "./egress/proxy.ts";
import { modelProxy, type ModelProxyDeps } from "./model/proxy.ts";

/** Connections that one cage may keep open to one of its gateway sockets. */
const MAX_CONNECTIONS = 64;

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
    const servers = [
      await listenHttp(model, paths.model, MAX_CONNECTIONS),
      await listenHttp(egress, paths.egress, MAX_CONNECTIONS),
    ];
    return {
      close: async () => {
        await Promise.all(servers.map(closeHttp));
      },
    };
  }
}
