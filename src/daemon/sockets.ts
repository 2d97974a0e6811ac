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

/** The maximum number of connections to host.sock: the operator's terminals and programs. */
const MAX_HOST_CONNECTIONS = 1000;
/**
 * The maximum bytes of unanswered requests on host.sock: dozens of the longest lines. The operator trusts these
 * programs.
 */
const MAX_HOST_BYTES_IN_FLIGHT = 64 * 1024 * 1024;

/** Something that listens and can be closed. */
interface Listener {
  close(): Promise<void>;
}

/** Runs a call. The socket identifies the caller. */
type Call = (name: OperationName, input: never, caller: CallerContext) => Answer;

export interface SocketDeps {
  paths: Pick<Paths, "sockets">;
  /** Opens the gateway's two sockets in the agent's folder. */
  gateway: { listen(agent: Agent, paths: { model: string; egress: string }): Promise<Listener> };
  /** Opens the agent's git socket. */
  git: { listen(agent: Agent, path: string): Promise<Listener> };
  onUnexpected(error: unknown): void;
}

/**
 * The Unix sockets of the hive. Each agent has one folder, which is bound only into its cage and never recreated while
 * the cage runs. Only the group that the driver gave the agent can open it. The socket identifies the caller, so there
 * is no token to steal and no sender to forge.
 */
export class Sockets implements CageSockets {
  readonly #deps: SocketDeps;
  readonly #open = new Map<string, Listener[]>();
  #call: Call = () => {
    throw new Error("a socket was opened before `answerWith` was called");
  };

  constructor(deps: SocketDeps) {
    this.#deps = deps;
  }

  /**
   * Sets the function that answers calls. Called once, before a socket opens. It is not a constructor argument because
   * handlers use the cages, and the cages open the sockets.
   */
  answerWith(call: Call): void {
    this.#call = call;
  }

  /** Opens an agent's four sockets. Does nothing if they are open. */
  async openAgent(agent: Agent): Promise<void> {
    if (this.#open.has(agent.id)) return;
    const listeners: Listener[] = [];
    this.#open.set(agent.id, listeners);
    const folder = this.#deps.paths.sockets(agent);
    const { identity } = agent.record;
    mkdirSync(folder, { recursive: true, mode: 0o750 });
    giveToGroup(folder, identity, 0o750);
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
      const git = join(folder, "git.sock");
      listeners.push(await this.#deps.git.listen(agent, git));
      for (const path of [mcp, model, egress, git]) giveToGroup(path, identity, 0o660);
    } catch (error) {
      await this.closeAgent(agent);
      throw error;
    }
  }

  /** The caller of each connection, as its handlers see it. After `hello` it may also call the harness's operations. */
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

  /** Closes an agent's sockets and removes their folder. Only for an agent that no longer exists. */
  async removeAgent(agent: Agent): Promise<void> {
    await this.closeAgent(agent);
    await rm(this.#deps.paths.sockets(agent), { recursive: true, force: true });
  }

  /** Opens the operator's socket for the daemon's user and its group. */
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
 * Gives a path to the agent's group, and to no other. The cage sees the folder read-only, so it cannot replace a path
 * in it with a link.
 */
function giveToGroup(path: string, identity: Identity, mode: number): void {
  chownSync(path, process.getuid?.() ?? 0, identity.gid);
  chmodSync(path, mode);
}
