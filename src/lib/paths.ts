import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** The socket of the trusted proxy in the folder of sockets. */
export const PROXY_SOCKET = "proxy.sock";

/** What the folder of a generation is followed by, in the name of the link to its system. */
export const SYSTEM_SUFFIX = ".system";

/** Every folder and file of a hive. Folders by id outlive a name; sockets are named after agents. */
export class Paths {
  readonly state: string;
  readonly run: string;
  constructor(state: string, run: string) {
    this.state = state;
    this.run = run;
  }

  get database(): string {
    return join(this.state, "hive.db");
  }
  get lock(): string {
    return join(this.state, "daemon.lock");
  }
  get ballast(): string {
    return join(this.state, "ballast");
  }
  get runtimes(): string {
    return join(this.state, "runtime");
  }
  /** The manager's three bind mounts. Each is mounted whole, so that later agents appear in the running cage. */
  get proposed(): string {
    return join(this.state, "proposed");
  }
  get applied(): string {
    return join(this.state, "applied");
  }
  get meta(): string {
    return join(this.state, "meta");
  }
  /** Where repositories are created before they are moved into place. */
  get scratch(): string {
    return join(this.state, "scratch");
  }
  /** The bare repositories that agents work on, `<name>.git`. */
  get repos(): string {
    return join(this.state, "repos");
  }
  repo(name: string): string {
    return join(this.repos, `${name}.git`);
  }
  /** Where repositories, and what belongs into them, are made before they are moved into place. */
  get repoScratch(): string {
    return join(this.repos, ".scratch");
  }
  /** The credentials of upstreams on other hosts, one file for each repository. In no backup. */
  get credentials(): string {
    return join(this.state, "credentials");
  }

  /** Tokens for the APIs of forges. A repository's name has no slash, so no credential has this name. */
  get forgeCredentials(): string {
    return join(this.credentials, "forges");
  }
  /** What the host keeps that a hive in rehearsal plays itself. In no backup. */
  get rehearsed(): string {
    return join(this.state, "rehearsed");
  }
  /** The folders of checks that run. */
  get checks(): string {
    return join(this.state, "checks");
  }
  /** The outputs of checks. */
  get changeLogs(): string {
    return join(this.state, "changes");
  }
  /** The output of the last check of a change. */
  changeLog(change: number): string {
    return join(this.changeLogs, `${change}.log`);
  }
  /** The log of a request's build. */
  buildLog(request: number): string {
    return join(this.state, "builds", `${request}.log`);
  }
  /** The folder of the cage in which the CLI logs in to the model, while one does. */
  get loginCage(): string {
    return join(this.state, "login");
  }
  get loginSockets(): string {
    return join(this.run, "login");
  }
  /** The token of the log-in to the model. */
  get modelLogin(): string {
    return join(this.state, "model-login.json");
  }
  /** The credentials for the model besides the hive's own, a file each. In no backup. */
  get modelCredentials(): string {
    return join(this.state, "model-credentials");
  }
  /** The values of secrets, a file each. In no backup. */
  get secrets(): string {
    return join(this.state, "secrets");
  }
  get hostSocket(): string {
    return join(this.run, "host.sock");
  }
  /** The folder of the sockets of operators, which their Unix users enter. */
  get operatorSockets(): string {
    return join(this.run, "operators");
  }
  operatorSocket(name: string): string {
    return join(this.operatorSockets, `${name}.sock`);
  }
  /** A link to the socket of a Unix user's operator, for a user who has another name than it. No operator's name is a number. */
  operatorLink(uid: number): string {
    return join(this.operatorSockets, `${uid}.sock`);
  }
  /** The socket of the trusted proxy. */
  get proxySocket(): string {
    return join(this.run, PROXY_SOCKET);
  }
  sockets(agent: { name: string; role: string }): string {
    return agent.role === "manager" ? join(this.run, "manager") : join(this.run, "agents", agent.name);
  }
  agent(id: string): AgentPaths {
    return new AgentPaths(join(this.state, "agents", id));
  }

  /** Creates the folders that every other part needs. Other users cannot read them. */
  prepare(): void {
    for (const folder of [
      this.state,
      this.run,
      join(this.state, "agents"),
      this.runtimes,
      this.proposed,
      this.applied,
      this.meta,
      this.repos,
      this.repoScratch,
      this.checks,
      this.changeLogs,
      join(this.run, "agents"),
      join(this.run, "manager"),
    ]) {
      mkdirSync(folder, { recursive: true, mode: 0o750 });
    }
    mkdirSync(this.secrets, { recursive: true, mode: 0o700 });
    // Others pass through it, and can list nothing.
    mkdirSync(this.operatorSockets, { recursive: true, mode: 0o711 });
  }
}

/** The folders of one agent, by its immutable id. */
export class AgentPaths {
  readonly root: string;
  constructor(root: string) {
    this.root = root;
  }
  /** The agent's notes and working tree. */
  get state(): string {
    return join(this.root, "state");
  }
  /** The agent's clones of repositories. */
  get work(): string {
    return join(this.root, "work");
  }
  /** A workspace that is being removed. Out of the agent's reach. */
  get dropped(): string {
    return join(this.root, "dropped");
  }
  /** The CLI's session folder. */
  get claude(): string {
    return join(this.root, "claude");
  }
  /** The driver's own notes on the cage. */
  get cage(): string {
    return join(this.root, "cage");
  }
  get log(): string {
    return join(this.root, "cage.log");
  }
  generation(n: number): string {
    return join(this.root, "generations", String(n));
  }
  /** The link to the system that was built for a generation, where a platform builds one. */
  system(n: number): string {
    return `${this.generation(n)}${SYSTEM_SUFFIX}`;
  }
  /** The instructions of repositories that a generation follows. */
  project(n: number): string {
    return `${this.generation(n)}.project`;
  }
}
