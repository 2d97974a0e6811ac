import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Identity } from "../platforms/port.ts";
import type { Agent } from "../agents/agent.ts";
import type { CageSockets } from "../agents/cages.ts";
import type { Paths } from "../lib/paths.ts";
import { serveLines, type Answer, type Connection } from "../rpc/server.ts";
import { MAX_AGENT_BYTES_IN_FLIGHT, MAX_AGENT_CONNECTIONS } from "../wire/limits.ts";
import type { OperationName } from "../wire/operations.ts";
import type { CallerContext } from "./handlers/types.ts";

/** Connections to host.sock: every terminal and program of the operator. */
const MAX_HOST_CONNECTIONS = 1000;
/** Bytes of unanswered requests on host.sock: dozens of the longest lines, from programs that the operator trusts. */
const MAX_HOST_BYTES_IN_FLIGHT = 64 * 1024 * 1024;

/** Something that listens and can be closed. */
interface Listener {
  close(): Promise<void>;
}

/** Carries out a call of the caller that the socket identifies. */
type Call = (name: OperationName, input: never, caller: CallerContext) => Answer;

export interface SocketDeps {
  paths: Pick<Paths, "sockets">;
  /** Opens the gateway's two sockets in the agent's folder. */
  gateway: { listen(agent: Agent, paths: { model: string; egress: string }): Promise<Listener> };
  onUnexpected(error: unknown): void;
}

/**
 * The Unix sockets of the hive. One folder per agent, bound into that cage alone and never made anew while the cage
 * lives; it is open to the group that the driver gave the agent, and to nobody else. Who speaks is which socket
 * was spoken to: there is no token to steal and no sender to forge.
 */
export class Sockets implements CageSockets {
  readonly #deps: SocketDeps;
  readonly #open = new Map<string, Listener[]>();
  #call: Call = () => {
    throw new Error("a socket was opened before anything answers on it");
  };

  constructor(deps: SocketDeps) {
    this.#deps = deps;
  }

  /** Sets what answers the calls. Once, before a socket is opened: handlers act on the cages, which open the sockets. */
  answerWith(call: Call): void {
    this.#call = call;
  }

  /** Opens an agent's three sockets; does nothing when they are open. */
  async openAgent(agent: Agent): Promise<void> {
    if (this.#open.has(agent.id)) return;
    const listeners: Listener[] = [];
    this.#open.set(agent.id, listeners);
    const folder = this.#deps.paths.sockets(agent);
    const { identity } = agent.record;
    mkdirSync(folder, { recursive: true, mode: 0o750 });
    give(folder, identity, 0o750);
    try {
      const mcp = join(folder, "mcp.sock");
      listeners.push(
        await serveLines({
          path: mcp,
          mode: 0o600,
          callers: agent.role === "manager" ? ["agent", "manager"] : ["agent"],
          ordered: false,
          maxConnections: MAX_AGENT_CONNECTIONS,
          maxBytesInFlight: MAX_AGENT_BYTES_IN_FLIGHT,
          dispatch: (name, input, connection) => this.#call(name, input, this.#callerOn(agent, connection)),
          onUnexpected: this.#deps.onUnexpected,
        }),
      );
      const model = join(folder, "model.sock");
      const egress = join(folder, "egress.sock");
      listeners.push(await this.#deps.gateway.listen(agent, { model, egress }));
      for (const path of [mcp, model, egress]) give(path, identity, 0o660);
    } catch (error) {
      await this.closeAgent(agent);
      throw error;
    }
  }

  /** Who speaks on a connection, as its handlers see it. What it may call grows when it says hello. */
  readonly #callers = new WeakMap<Connection, CallerContext>();
  #callerOn(agent: Agent, connection: Connection): CallerContext {
    const known = this.#callers.get(connection);
    if (known) return known;
    const caller: Extract<CallerContext, { kind: "agent" }> = {
      kind: "agent",
      agent,
      connection,
      harness: undefined,
      becomeHarness(session) {
        caller.harness = session;
        connection.callers.add("harness");
      },
    };
    this.#callers.set(connection, caller);
    return caller;
  }

  async closeAgent(agent: Agent): Promise<void> {
    const listeners = this.#open.get(agent.id) ?? [];
    this.#open.delete(agent.id);
    await Promise.all(listeners.map((listener) => listener.close()));
  }

  /** Closes an agent's sockets and removes their folder. Only for an agent that is gone. */
  async removeAgent(agent: Agent): Promise<void> {
    await this.closeAgent(agent);
    await rm(this.#deps.paths.sockets(agent), { recursive: true, force: true });
  }

  /** Opens the operator's socket: for the daemon's user and its group. */
  async openHost(path: string): Promise<Listener> {
    const listener = await serveLines({
      path,
      mode: 0o660,
      callers: ["operator"],
      ordered: true,
      maxConnections: MAX_HOST_CONNECTIONS,
      maxBytesInFlight: MAX_HOST_BYTES_IN_FLIGHT,
      dispatch: (name, input, connection) => this.#call(name, input, { kind: "operator", ended: connection.ended }),
      onUnexpected: this.#deps.onUnexpected,
    });
    this.#open.set("host", [listener]);
    return listener;
  }

  async closeAll(): Promise<void> {
    const all = [...this.#open.values()].flat();
    this.#open.clear();
    await Promise.all(all.map((listener) => listener.close()));
  }
}

/**
 * Opens a path to the agent's group, and to nobody else. The cage sees its folder read-only, so nothing in it can be
 * a link that the cage has put there.
 */
function give(path: string, identity: Identity, mode: number): void {
  chownSync(path, process.getuid?.() ?? 0, identity.gid);
  chmodSync(path, mode);
}
