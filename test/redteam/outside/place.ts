import { chmodSync } from "node:fs";
import type { Browser } from "playwright-core";
import { launch } from "../../lib/browser.ts";
import { ModelServer } from "../../lib/model-server.ts";
import { IDLE_CLI, TestHive } from "../../lib/hive.ts";
import { freeBase } from "../../lib/ports.ts";
import { Attacker } from "./attacker.ts";
import { Changes } from "./changes.ts";
import { Guarded } from "./guarded.ts";
import { Proxied } from "./proxied.ts";
import { HostileSsh } from "./hostile-ssh.ts";
import { HostileUpstream } from "./hostile-upstream.ts";
import { HostileFiles } from "./hostile-files.ts";
import { HostileForge } from "./hostile-forge.ts";
import type { Position } from "../row.ts";
import { ask, sendBytes, type Answer, type Ask } from "./http.ts";
import { takenHive } from "./taken-hive.ts";
import { Texts } from "./texts.ts";

/** The credential of the hive that is attacked from outside. */
export const KEY = "sk-ant-api03-THE-KEY-THAT-NO-OTHER-USER-MAY-READ";
/** Agents of this hive, each with a port of its own. */
export const AGENTS = ["ada", "eve"] as const;

/** The hive that is attacked from outside of its cages, with what an attacker there can have. */
export class Place {
  readonly hive: TestHive;
  readonly #model: ModelServer;
  readonly #ends: (() => Promise<unknown>)[] = [];
  /** The cookie of an operator who is logged in. */
  cookie = "";
  /** The hive's id, which is in the name of its cookie. */
  id = "";
  #browser: Promise<Browser> | undefined;
  #attacker: Promise<Attacker> | undefined;
  #texts: Promise<Texts> | undefined;
  #changes: Promise<Changes> | undefined;
  #proxied: Promise<Proxied> | undefined;
  #guarded: Promise<Guarded> | undefined;
  #hostileFiles: Promise<HostileFiles> | undefined;
  #upstream: Promise<HostileUpstream> | undefined;
  #ssh: Promise<HostileSsh> | undefined;
  #forge: Promise<HostileForge> | undefined;
  #taken: ReturnType<typeof takenHive> | undefined;
  /** A request whose headers never end, begun with the hive: how it ends. */
  #slow: Promise<string> | undefined;

  private constructor(hive: TestHive, model: ModelServer) {
    this.hive = hive;
    this.#model = model;
  }

  static async start(): Promise<Place> {
    const model = await new ModelServer([{ when: { text: "." }, steps: [{ say: "noted" }] }]).start();
    const hive = new TestHive({
      ...IDLE_CLI,
      HIVE_REHEARSAL: "0",
      HIVE_UPSTREAM_URL: model.url,
      ANTHROPIC_API_KEY: KEY,
      HIVE_AGENT_PORTS: "on",
      HIVE_AGENT_PORT_BASE: String(await freeBase(AGENTS)),
    });
    // The folder of a test is closed to others. That of an operator is not.
    chmodSync(hive.folder, 0o755);
    const place = new Place(hive, model);
    try {
      await hive.start();
      place.#slow = slowRequest(place.port);
      place.id = (await hive.call("state", { messages: 0 })).state.hive.id;
      place.cookie = await place.logIn();
      await Promise.all(AGENTS.map((name) => hive.call("spawn", { name })));
      for (const name of AGENTS) await hive.untilAgent(name, (agent) => agent.state === "idle" && agent.port !== undefined);
      return place;
    } catch (error) {
      await place.stop();
      throw error;
    }
  }

  /** The dashboard's port. */
  get port(): number {
    return Number(new URL(this.hive.home).port);
  }
  /** How the request that never ends its headers has ended. */
  get slow(): Promise<string> {
    return this.#slow ?? Promise.reject(new Error("not begun"));
  }

  /** The port of an agent. */
  async portOf(name: string): Promise<number> {
    return (await this.hive.untilAgent(name, (agent) => agent.port !== undefined)).port ?? 0;
  }

  /** A new launch token. */
  async token(): Promise<string> {
    return (await this.hive.call("login", {})).url.split("#token=")[1] ?? "";
  }

  /** Logs in. Returns the cookie. */
  async logIn(): Promise<string> {
    const answer = await this.ask("/api/login", { body: { token: await this.token() } });
    return answer.headers["set-cookie"]?.split(";")[0] ?? "";
  }

  ask(path: string, what: Ask = {}): Promise<Answer> {
    return ask(this.port, path, what);
  }

  /** True if the hive has a message with this text. */
  async hasMessage(body: string): Promise<boolean> {
    const { messages } = await this.hive.call("messages", { limit: 100 });
    return messages.some((message) => message.body === body);
  }

  /** Throws if the hive does not answer, or answers with something else than its agents. */
  async checkWell(): Promise<void> {
    const { agents } = await this.hive.call("list", {});
    if (!AGENTS.every((name) => agents.includes(name))) throw new Error(`the hive has only ${agents.join(", ")}`);
  }

  /** The browser of every window. A caller closes its contexts and not the browser. */
  browser(): Promise<Browser> {
    return (this.#browser ??= launch().then((browser) => {
      this.atEnd(() => browser.close());
      return browser;
    }));
  }

  /** The operator's window with an attacker's page in it. */
  attacker(): Promise<Attacker> {
    return (this.#attacker ??= Attacker.start(this));
  }
  /** The interface over hostile text. */
  texts(): Promise<Texts> {
    return (this.#texts ??= Texts.start(this));
  }

  /** A repository, and a hostile agent that works on it. */
  changes(): Promise<Changes> {
    return (this.#changes ??= Changes.start(this));
  }

  /** A second hive, behind a proxy that names the operator. */
  proxied(): Promise<Proxied> {
    return (this.#proxied ??= Proxied.start(this));
  }

  /** A third hive, where an operator's approvals need a passkey. */
  guarded(): Promise<Guarded> {
    return (this.#guarded ??= Guarded.start(this));
  }

  /** What a hostile agent has put into its folder, and a viewer who looks there. */
  hostileFiles(): Promise<HostileFiles> {
    return (this.#hostileFiles ??= HostileFiles.start(this));
  }

  /** A hive that sends whatever it is given when an operator copies from it. */
  takenHive(): ReturnType<typeof takenHive> {
    return (this.#taken ??= takenHive(this));
  }

  /** A git server that a repository follows. */
  upstream(): Promise<HostileUpstream> {
    return (this.#upstream ??= HostileUpstream.start(this));
  }

  /** A host behind ssh that a repository follows. */
  ssh(): Promise<HostileSsh> {
    return (this.#ssh ??= HostileSsh.start(this));
  }

  /** A forge, with a pull request of a hostile agent. */
  forge(): Promise<HostileForge> {
    return (this.#forge ??= HostileForge.start(this));
  }

  /** An attacker goes on from another position. The pages of a browser would draw every event of the others. */
  async left(position: Position): Promise<void> {
    if (position !== "browser") return;
    const browser = this.#browser;
    this.#browser = this.#attacker = this.#texts = undefined;
    await (await browser)?.close();
  }

  /** Has this run at the end. */
  atEnd(run: () => Promise<unknown>): void {
    this.#ends.push(run);
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.toReversed()) await end();
    await this.hive.dispose();
    await this.#model.stop();
  }
}

/** Begins a request and never ends its headers. Resolves with the answer, which has to end the connection. */
const slowRequest = (port: number): Promise<string> => sendBytes(port, "GET /healthz HTTP/1.1\r\nX-Slow: ", 60_000);
