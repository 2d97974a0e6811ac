import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Agent } from "../agents/agent.ts";
import type { CageSockets } from "../agents/cages.ts";
import type { Paths } from "../lib/paths.ts";
import { serveLines, type Answer, type Connection, type LineServer } from "../rpc/server.ts";
import { MAX_AGENT_BYTES_IN_FLIGHT, MAX_AGENT_CONNECTIONS } from "../wire/limits.ts";
import type { OperationName } from "../wire/operations.ts";
import type { UnixUser } from "../os/unix-user.ts";
import type { Operator } from "./operator.ts";
import type { CallerContext } from "./handlers/types.ts";
import { giveToGroup } from "./give-to-group.ts";

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
/** Throws if an operator may not call an operation now. */
type Permit = (operator: Operator, name: OperationName) => void;

export interface SocketDeps {
  paths: Pick<Paths, "sockets">;
  /** Opens the gateway's two sockets in the agent's folder. */
  gateway: { listen(agent: Agent, paths: { model: string; egress: string }): Promise<Listener> };
  /** The share of the thread's time that reading one agent's requests may take. */
  agentShare: number;
  /** Opens the agent's git socket. */
  git: { listen(agent: Agent, path: string): Promise<Listener> };
  /** Gives the socket of an operator to its Unix user alone. */
  giveSocket(path: string, operator: string, user: UnixUser): Promise<void> | void;
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
  readonly #operators = new Map<string, LineServer>();
  #call: Call = () => {
    throw new Error("a socket was opened before `answerWith` was called");
  };
  #permit: Permit = () => {
    throw new Error("a socket was opened before `answerWith` was called");
  };

  constructor(deps: SocketDeps) {
    this.#deps = deps;
  }

  /**
   * Sets the function that answers calls, and the one that says what an operator may call. Called once, before a socket
   * opens. They are no constructor arguments because handlers use the cages, and the cages open the sockets.
   */
  answerWith(call: Call, permit: Permit): void {
    this.#call = call;
    this.#permit = permit;
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
          share: this.#deps.agentShare,
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

  /** Opens host.sock for the daemon's user and its group: the socket of the operator `operator`. */
  async openHost(path: string, operator: Operator): Promise<void> {
    await this.#serveOperator(operator, path, 0o660);
  }

  /** Opens the socket of an operator and gives it to its Unix user. Leaves nothing open if that fails. */
  async openOperator(operator: Operator, path: string, user: UnixUser): Promise<void> {
    await this.#serveOperator(operator, path, 0o600);
    try {
      await this.#deps.giveSocket(path, operator.name, user);
    } catch (error) {
      await this.closeOperator(operator.name);
      throw error;
    }
  }

  async #serveOperator(operator: Operator, path: string, mode: number): Promise<void> {
    const server = await serveLines({
      path,
      mode,
      callers: ["operator"],
      permit: (name) => this.#permit(operator, name),
      ordered: true,
      maxConnections: MAX_HOST_CONNECTIONS,
      maxBytesInFlight: MAX_HOST_BYTES_IN_FLIGHT,
      dispatch: (name, input, connection) => this.#call(name, input, { kind: "operator", operator, ended: connection.ended }),
      onUnexpected: this.#deps.onUnexpected,
    });
    this.#operators.set(operator.name, server);
  }

  /** Ends an operator's connections. Its socket stays open. */
  cutOperator(name: string): void {
    this.#operators.get(name)?.cut();
  }

  async closeOperator(name: string): Promise<void> {
    const server = this.#operators.get(name);
    this.#operators.delete(name);
    await server?.close();
  }

  async closeAll(): Promise<void> {
    const all = [...[...this.#open.values()].flat(), ...this.#operators.values()];
    this.#open.clear();
    this.#operators.clear();
    await Promise.all(all.map((listener) => listener.close()));
  }
}
