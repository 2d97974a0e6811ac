import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ApiServer, API_HOST } from "./api.ts";
import type { Internet } from "./internet.ts";

/** The web that an attacker's proxy reaches: one public host, an API behind doors, and names that lead elsewhere. */

const PUBLIC = "93.184.215.14";
const API = "93.184.215.15";
const ZONE = "redteam.test";
/** Names below the zone, with their answers. All but the first and the last are refused for them. */
const NAMES: Record<string, string[][]> = {
  public: [[PUBLIC]],
  loopback: [["127.0.0.1"]],
  private: [["10.0.0.1"]],
  metadata: [["169.254.169.254"]],
  mapped: [["::ffff:127.0.0.1"]],
  loopback6: [["::1"]],
  local6: [["fd00::1"]],
  mixed: [[PUBLIC, "127.0.0.1"]],
  any: [["0.0.0.0"]],
  rebind: [[PUBLIC], ["127.0.0.1"]],
};

/** Hosts to which a log-in to the model may connect, and the one of the page that the operator opens. */
const LOGIN_HOSTS = ["platform.claude.com", "api.anthropic.com", "claude.ai"] as const;

/** The egress list of the attacker: each name, on the ports of the web and on the port of the host's listener. */
export const listedHosts = (port: number): string[] =>
  Object.keys(NAMES).flatMap((name) => [`${name}.${ZONE}`, `${name}.${ZONE}:${port}`]);

export class Web {
  /** What the public host got. */
  readonly seen: { method: string; url: string; headers: IncomingMessage["headers"] }[] = [];
  readonly #server: Server;
  readonly api: ApiServer;
  readonly #log: string;
  /** Settings of a daemon that has this Internet. */
  readonly env: Record<string, string>;

  private constructor(folder: string, api: ApiServer) {
    this.api = api;
    this.#log = join(folder, "lookups.log");
    const file = join(folder, "internet.json");
    const trusted = join(folder, "api.pem");
    writeFileSync(trusted, api.authority);
    this.env = {
      NODE_EXTRA_CA_CERTS: trusted,
      NODE_OPTIONS: `--import=${join(process.cwd(), "test/redteam/internet.ts")}`,
      REDTEAM_INTERNET: file,
    };
    this.#server = createServer(({ method = "", url = "", headers }, response) => {
      this.seen.push({ method, url, headers });
      if (url === "/redirect") response.setHeader("location", "http://127.0.0.1:80/").writeHead(302).end();
      else response.end("the web");
    });
  }

  static async start(folder: string): Promise<Web> {
    const web = new Web(folder, await ApiServer.start());
    await new Promise<void>((resolve) => web.#server.listen(0, "127.0.0.1", resolve));
    const internet: Internet = {
      names: {
        ...Object.fromEntries(Object.entries(NAMES).map(([name, answers]) => [`${name}.${ZONE}`, answers])),
        [API_HOST]: [[API]],
        ...Object.fromEntries(LOGIN_HOSTS.map((name) => [name, [[PUBLIC]]])),
      },
      hosts: { [PUBLIC]: (web.#server.address() as AddressInfo).port, [API]: web.api.port },
      log: web.#log,
    };
    writeFileSync(join(folder, "internet.json"), JSON.stringify(internet));
    return web;
  }

  /** Names that were looked up. */
  lookups(): string[] {
    return existsSync(this.#log) ? readFileSync(this.#log, "utf8").trim().split("\n") : [];
  }

  async stop(): Promise<void> {
    await this.api.stop();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
