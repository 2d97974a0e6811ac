import { once } from "node:events";
import { createSocket, type Socket } from "node:dgram";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { ModelServer } from "../lib/model-server.ts";
import { TestHive } from "../lib/hive.ts";
import type { Bait, Observation } from "./row.ts";

/** The hive under attack, and what the attackers aim at: listeners and files of the host. */

/** The hive's credential. No cage, log or event may contain it. */
export const SECRET = "sk-ant-api03-THE-OWN-KEY-OF-THE-HIVE-UNDER-ATTACK";
/** Folders that both an attacker and this program can reach: the agent's own state, by its path in the cage. */
const PROGRAM = "/state/attack.mjs";
const BAIT = "/state/bait.json";
const RESULT = "/state/result.json";
/** Longest time of one cage's attempts: the CLI's own limit for a command. Milliseconds. */
const COMMAND_MS = 600_000;

/** The attacker's program in one text. Types and the product's own code are not in it. */
async function attackProgram(): Promise<string> {
  const bundle = await rolldown({
    input: join(process.cwd(), "test/redteam/inside/main.ts"),
    platform: "node",
    logLevel: "silent",
  });
  const { output } = await bundle.generate({ format: "esm", codeSplitting: false, minify: true });
  await bundle.close();
  return output[0].code;
}

export class World {
  /** What reached the host's listeners although nothing may: one line each. */
  readonly reached: string[] = [];
  readonly hive: TestHive;
  readonly #model: ModelServer;
  readonly #closers: (() => Promise<unknown>)[] = [];

  private constructor(hive: TestHive, model: ModelServer) {
    this.hive = hive;
    this.#model = model;
  }

  static async start(): Promise<World> {
    const program = await attackProgram();
    const attack = (position: string) => ({
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
      { when: { from: "system" }, steps: [{ say: "noted" }] },
      { when: { text: "." }, steps: [{ say: "hello" }] },
    ]).start();
    const hive = new TestHive({ HIVE_REHEARSAL: "0", HIVE_UPSTREAM_URL: model.url, ANTHROPIC_API_KEY: SECRET });
    await hive.start();
    return new World(hive, model);
  }

  /** Sets out the bait: the listeners of the host, a file of the operator, and another agent. */
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
    this.#closers.push(() => new Promise((resolve) => (udp as Socket).close(() => resolve(undefined))));
    const hostFile = join(hive.folder, "operator.txt");
    writeFileSync(hostFile, "a file of the operator", { mode: 0o644 });
    await hive.call("spawn", { name: "victim" });
    const { id } = await hive.untilAgent("victim", (agent) => agent.state === "idle");
    return {
      host: { port, address: hostAddress() },
      udpPort: udp.address().port,
      abstractName,
      dashboardPort: Number(new URL(hive.home).port),
      hostFile,
      stateDir: hive.stateDir,
      secretBackwards: Array.from(SECRET).reverse().join(""),
      victim: { name: "victim", id, pid: (await hive.cage("victim")).init },
    };
  }

  /** Lets the model of a cage carry out every attempt from this position. Resolves with what came of each, by row. */
  async attack(agent: string, position: string, bait: Bait): Promise<Record<string, Observation>> {
    const { hive } = this;
    const state = join(await hive.folderOf(agent), "state");
    writeFileSync(join(state, "bait.json"), JSON.stringify(bait), { mode: 0o644 });
    await hive.call("send", { to: agent, body: `attack as ${position}` });
    const events = await hive.watch(
      (event) =>
        event.kind === "turn" &&
        event.turn.agent === agent &&
        event.turn.event.type === "tool_result" &&
        /carried out|rror/.test(event.turn.event.text),
    );
    const last = events.at(-1);
    const words = last?.kind === "turn" && last.turn.event.type === "tool_result" ? last.turn.event.text : "";
    if (!words.includes("carried out")) throw new Error(`the attacker's program failed: ${words}`);
    return JSON.parse(readFileSync(join(state, "result.json"), "utf8")) as Record<string, Observation>;
  }

  async #listen(server: Server, at: { port?: number; host?: string; path?: string }): Promise<number> {
    await new Promise<void>((resolve) => server.listen(at, resolve));
    this.#closers.push(() => new Promise((resolve) => server.close(resolve)));
    return at.path === undefined ? (server.address() as AddressInfo).port : 0;
  }

  async stop(): Promise<void> {
    await this.hive.dispose();
    await this.#model.stop();
    for (const close of this.#closers) await close();
  }
}

/** An address of this machine besides loopback. A machine without one has nothing to reach. */
function hostAddress(): string {
  const all = Object.values(networkInterfaces()).flat();
  return all.find((one) => one && !one.internal && one.family === "IPv4")?.address ?? "127.0.0.1";
}
