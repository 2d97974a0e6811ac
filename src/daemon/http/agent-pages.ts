import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import type { Agent } from "../../agents/agent.ts";
import type { Service } from "../../lib/services.ts";
import type { AgentBus } from "../../agents/events.ts";
import { choosePort } from "../../agents/port.ts";
import { saveRecord } from "../../agents/records.ts";
import type { AgentStore, Swarm } from "../../agents/swarm.ts";
import { bounded } from "./server.ts";

export interface AgentPagesDeps {
  /** The manager's port, from which the others are counted. Undefined turns all agents' ports off. */
  base: number | undefined;
  /** A loopback address, because these ports are for a browser on this machine. */
  bind: string;
  agents: Pick<Swarm, "all" | "allWithDestroyed">;
  agentStore: Pick<AgentStore, "update">;
  bus: Pick<AgentBus, "on" | "emit">;
  /** Reports that a port could not be stored. It is chosen again after the next start. */
  onUnexpected(error: unknown): void;
}

interface Page {
  port: number;
  state: "opening" | "open" | "taken";
  listener: Server;
  sockets: Set<Socket>;
  /** The agent's phase at the attempt. Each of its starts allows one round of attempts. */
  phase: Agent["phase"];
  problem?: string;
}

/** The number of ports that are tried for an agent before its row says that it has none. */
const MOST_ATTEMPTS = 20;

/**
 * The agents' own ports. A port is chosen once and stored. It serves the agent's page, API and events, with the same
 * login as the dashboard. If another program uses the port, the agent moves to the next free one. If none can be
 * opened, its row says so, and its next start tries again.
 *
 * All ports share one HTTP server, so a port costs a socket but no timers and tables.
 */
export class AgentPages implements Service {
  readonly #deps: AgentPagesDeps;
  readonly #pages = new Map<string, Page>();
  readonly #agents = new Map<number, Agent>();
  readonly #server = bounded(createHttpServer((request, response) => this.#answer(request, response)));
  #handler: ((agent: Agent, port: number) => RequestListener) | undefined;
  readonly #handlers = new Map<number, RequestListener>();
  /** The dashboard's port, which no agent may have. */
  #home = 0;

  constructor(deps: AgentPagesDeps) {
    this.#deps = deps;
    deps.bus.on("changed", (what) => {
      if (what !== "hive" && !what.isDraft) this.#update(what);
    });
  }

  /**
   * `home` is the dashboard's port. `handler` creates the request listener for an agent's port. Called once, before
   * `start`.
   */
  answerWith(home: number, handler: (agent: Agent, port: number) => RequestListener): void {
    this.#home = home;
    this.#handler = handler;
  }

  /** Opens the ports of every agent. */
  start(): void {
    for (const agent of this.#deps.agents.all()) this.#update(agent);
  }

  /** Opens the port of a new agent, and closes the port of a destroyed one. */
  #update(agent: Agent): void {
    if (this.#deps.base === undefined || !this.#handler) return;
    const page = this.#pages.get(agent.id);
    if (agent.destroyed) return page && this.#close(agent, page);
    const isNewStart = agent.phase.at === "starting" && agent.phase !== page?.phase;
    if (!page || (page.state === "taken" && isNewStart)) this.#open(agent, this.#deps.base);
  }

  /** The port on which the agent's page is served now. */
  portOf(agent: Agent): number | undefined {
    const page = this.#pages.get(agent.id);
    return page?.state === "open" ? page.port : undefined;
  }

  /** The problem with an agent's port, as a sentence. */
  problem(agent: Agent): string | undefined {
    return this.#pages.get(agent.id)?.problem;
  }

  stop(): void {
    this.#handler = undefined;
    for (const page of this.#pages.values()) shut(page);
    this.#server.closeAllConnections();
  }

  #open(agent: Agent, base: number, foreign: readonly number[] = []): void {
    const known = agent.record.port;
    const isKept = known !== undefined && !foreign.includes(known);
    const port = isKept ? known : choosePort(agent, base, new Set([...this.#taken(), ...foreign]));
    if (port === undefined) return;
    if (!isKept) saveRecord(this.#deps.agentStore, agent, { port }).catch(this.#deps.onUnexpected);
    const sockets = new Set<Socket>();
    const listener = createServer((socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      this.#server.emit("connection", socket);
    });
    const page: Page = { port, state: "opening", listener, sockets, phase: agent.phase };
    this.#pages.set(agent.id, page);
    this.#agents.set(port, agent);
    listener.on("error", (error: NodeJS.ErrnoException) => {
      if (!this.#handler) return;
      if (error.code === "EADDRINUSE" && foreign.length + 1 < MOST_ATTEMPTS && !agent.destroyed) {
        this.#close(agent, page);
        this.#open(agent, base, [...foreign, port]);
        return;
      }
      const why =
        error.code === "EADDRINUSE"
          ? `${MOST_ATTEMPTS} ports from ${base} on are taken by other programs`
          : `port ${port} cannot be opened (${error.code ?? error.message})`;
      page.state = "taken";
      page.problem = `${agent.name} has no port of its own: ${why}. Set HIVE_AGENT_PORT_BASE, or HIVE_AGENT_PORTS=off; the page is on the dashboard`;
      this.#changed(agent);
    });
    listener.listen(port, this.#deps.bind, () => {
      page.state = "open";
      this.#changed(agent);
    });
  }

  /** The ports of the dashboard and of all agents, including destroyed ones, which may be revived. */
  #taken(): Set<number> {
    return new Set([this.#home, ...this.#deps.agents.allWithDestroyed().flatMap((agent) => agent.record.port ?? [])]);
  }

  #changed(agent: Agent): void {
    this.#deps.bus.emit("changed", agent);
    this.#deps.bus.emit("changed", "hive");
  }

  #close(agent: Agent, page: Page): void {
    this.#pages.delete(agent.id);
    this.#agents.delete(page.port);
    this.#handlers.delete(page.port);
    shut(page);
  }

  #answer(...[request, response]: Parameters<RequestListener>): void {
    const port = request.socket.localPort ?? 0;
    const agent = this.#agents.get(port);
    if (!agent || !this.#handler) {
      response.writeHead(503).end("this agent no longer exists\n");
      return;
    }
    const handler = this.#handlers.get(port) ?? this.#handler(agent, port);
    this.#handlers.set(port, handler);
    handler(request, response);
  }
}

function shut(page: Page): void {
  page.listener.close();
  for (const socket of page.sockets) socket.destroy();
}
