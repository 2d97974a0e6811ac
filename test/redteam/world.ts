import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createSocket } from "node:dgram";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { ModelServer } from "../lib/model-server.ts";
import { TestHive } from "../lib/hive.ts";
import { PROTOCOL } from "../../src/wire/harness.ts";
import { operationsOf } from "../../src/wire/operations.ts";
import { addRepositories, PREPARE } from "./repositories.ts";
import type { Bait, CagePosition, Observation } from "./row.ts";
import { listedHosts, Web } from "./web.ts";

/** The hive under attack, and what the attackers aim at: listeners and files of the host. */

/** The hive's credential. No cage, log or event may contain it. */
export const SECRET = "sk-ant-api03-THE-OWN-KEY-OF-THE-HIVE-UNDER-ATTACK";
/** Folders that both an attacker and this program can reach: the agent's own state, by its path in the cage. */
const PROGRAM = "/state/attack.mjs";
const BAIT = "/state/bait.json";
const RESULT = "/state/result.json";
/** Longest time of one cage's attempts: the CLI's own limit for a command. Milliseconds. */
const COMMAND_MS = 600_000;

/** A program for a cage in one text. Types and the product's own code are not in it. */
async function programOf(file: string): Promise<string> {
  const bundle = await rolldown({
    input: join(process.cwd(), "test/redteam/inside", file),
    platform: "node",
    logLevel: "silent",
  });
  const { output } = await bundle.generate({ format: "esm", codeSplitting: false, minify: true });
  await bundle.close();
  return output[0].code;
}

/** A rule of the model: one command. */
const bashRule = (words: string, command: string) => ({
  when: { text: `^${words}` },
  steps: [{ tools: [{ name: "Bash", input: { command } }] }, { say: "done" }],
});

export class World {
  /** What reached the host's listeners although nothing may: one line each. */
  readonly reached: string[] = [];
  readonly hive: TestHive;
  readonly #model: ModelServer;
  readonly #web: Web;
  readonly #closers: (() => Promise<unknown>)[] = [];
  /** The tip of the base of the repository `web`. */
  base = "";

  private constructor(hive: TestHive, model: ModelServer, web: Web) {
    this.hive = hive;
    this.#model = model;
    this.#web = web;
  }

  /** What the model's API got. */
  get upstream(): ModelServer["seen"] {
    return this.#model.seen;
  }
  /** What the one public host of the Internet got. */
  get web(): Web["seen"] {
    return this.#web.seen;
  }
  /** Names that the daemon has looked up. */
  get lookups(): string[] {
    return this.#web.lookups();
  }

  static async start(): Promise<World> {
    const program = await programOf("main.ts");
    const attack = (position: CagePosition) => ({
      when: { text: `^attack as ${position}` },
      steps: [
        { tools: [{ name: "Write", input: { file_path: PROGRAM, content: program } }] },
        {
          tools: [
            {
              name: "Bash",
              input: { command: `/opt/hive/bin/node ${PROGRAM} ${BAIT} ${RESULT} ${position}`, timeout: COMMAND_MS },
            },
          ],
        },
        { say: "done" },
      ],
    });
    const model = await new ModelServer([
      attack("agent"),
      attack("manager"),
      attack("flood"),
      bashRule("prepare", PREPARE),
      bashRule("after a restart", "git -C /work/web status -sb; echo restarted"),
      { when: { from: "system" }, steps: [{ say: "noted" }] },
      { when: { text: "." }, steps: [{ say: "hello" }] },
    ]).start();
    const hive = new TestHive({ HIVE_REHEARSAL: "0", HIVE_UPSTREAM_URL: model.url, ANTHROPIC_API_KEY: SECRET });
    const web = await Web.start(hive.folder);
    Object.assign(hive.env, web.env);
    await hive.start();
    return new World(hive, model, web);
  }

  /** Sets out the bait: the listeners of the host, a file of the operator, repositories, and other agents. */
  async bait(): Promise<Bait> {
    const { hive } = this;
    const tcp = createServer((socket) => {
      this.reached.push(`a connection from ${socket.remoteAddress}`);
      socket.end("the host");
    });
    const port = await this.#listen(tcp, { port: 0, host: "0.0.0.0" });
    const abstractName = `hive-bait-${process.pid}`;
    const local = createServer((socket) => {
      this.reached.push("a connection to the abstract socket");
      socket.end("the host");
    });
    await this.#listen(local, { path: `\0${abstractName}` });
    const udp = createSocket("udp4");
    udp.on("message", (_, from) => this.reached.push(`a datagram from ${from.address}`));
    udp.bind(0, "0.0.0.0");
    await once(udp, "listening");
    this.#closers.push(() => new Promise((resolve) => udp.close(() => resolve(undefined))));
    const hostFile = join(hive.folder, "operator.txt");
    writeFileSync(hostFile, "a file of the operator", { mode: 0o644 });
    this.base = addRepositories(hive);
    await hive.call("spawn", { name: "stranger" });
    await hive.call("spawn", { name: "victim", config: { repos: [{ name: "web" }, { name: "secret" }] } });
    const { id } = await hive.untilAgent("victim", (agent) => agent.state === "idle");
    writeFileSync(join(hive.stateDir, "agents", id, "state", "victim.mjs"), await programOf("victim.ts"));
    await this.#turn("victim", "prepare", /prepared/);
    await hive.call("spawn", {
      name: "mallory",
      config: { egress: listedHosts(port), repos: [{ name: "web" }], allowedRecipients: ["victim"] },
    });
    await hive.untilAgent("mallory", (agent) => agent.state === "idle");
    return {
      host: { port, address: hostAddress() },
      udpPort: udp.address().port,
      abstractName,
      dashboardPort: Number(new URL(hive.home).port),
      hostFile,
      stateDir: hive.stateDir,
      secretBackwards: Array.from(SECRET).reverse().join(""),
      victim: { name: "victim", id, pid: (await hive.cage("victim")).init },
      stranger: "stranger",
      operations: {
        operator: operationsOf("operator"),
        manager: operationsOf("manager"),
        agent: operationsOf("agent"),
        harness: operationsOf("harness"),
      },
      protocol: PROTOCOL,
      token: `planted-${randomUUID()}`,
    };
  }

  /** Lets the model of a cage carry out every attempt from this position. Resolves with what came of each, by row. */
  async attack(agent: string, position: CagePosition, bait: Bait): Promise<Record<string, Observation>> {
    const { hive } = this;
    const state = join(await hive.folderOf(agent), "state");
    writeFileSync(join(state, "bait.json"), JSON.stringify(bait), { mode: 0o644 });
    await this.#turn(agent, `attack as ${position}`, /carried out/);
    return JSON.parse(readFileSync(join(state, "result.json"), "utf8")) as Record<string, Observation>;
  }

  /** Restarts an agent and lets it take one more turn: what was planted in its cage had its chance then. */
  async restart(agent: string): Promise<void> {
    await this.hive.call("restart", { name: agent });
    await this.#turn(agent, "after a restart", /restarted/);
  }

  /** Sends to an agent and waits for its tool's result. Fails with the result if it is an error. */
  async #turn(agent: string, body: string, expected: RegExp): Promise<void> {
    const { hive } = this;
    await hive.call("send", { to: agent, body });
    let words = "";
    await hive.watch((event) => {
      if (event.kind !== "turn" || event.turn.agent !== agent || event.turn.event.type !== "tool_result") return false;
      words = event.turn.event.text;
      return expected.test(words) || /rror/.test(words);
    });
    if (!expected.test(words)) throw new Error(`${agent}: ${body}: ${words}`);
  }

  /** Where outside of the cages the hive's credential is, besides the requests to the API, each of which must have it. */
  async secretOutside(): Promise<string[]> {
    const { hive, upstream } = this;
    const logs = ["hm1nd", "mallory", "victim"].map(async (name) => join(await hive.folderOf(name), "cage.log"));
    const files = [
      ...(await Promise.all(logs)),
      ...["daemon.log", "hive.db", "hive.db-wal"].map((name) => join(hive.stateDir, name)),
    ];
    const found = files.filter((file) => readFileSync(file).includes(SECRET));
    if (hive.output.includes(SECRET)) found.push("the daemon's output");
    if (upstream.length === 0 || upstream.some(({ headers }) => headers["x-api-key"] !== SECRET))
      found.push("not in every request to the API");
    return found;
  }

  async #listen(server: Server, at: { port?: number; host?: string; path?: string }): Promise<number> {
    await new Promise<void>((resolve) => server.listen(at, resolve));
    this.#closers.push(() => new Promise((resolve) => server.close(resolve)));
    return at.path === undefined ? (server.address() as AddressInfo).port : 0;
  }

  async stop(): Promise<void> {
    await this.hive.dispose();
    await this.#model.stop();
    await this.#web.stop();
    for (const close of this.#closers) await close();
  }
}

/** An address of this machine besides loopback. A machine without one has nothing to reach. */
function hostAddress(): string {
  const all = Object.values(networkInterfaces()).flat();
  return all.find((one) => one && !one.internal && one.family === "IPv4")?.address ?? "127.0.0.1";
}
