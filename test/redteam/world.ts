import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, watch, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { SshServer } from "../lib/ssh-server.ts";
import { ModelServer } from "../lib/model-server.ts";
import { commandLine, REAL_CLI, TestHive } from "../lib/hive.ts";
import type { HiveEvent } from "../../src/wire/event.ts";
import { PROTOCOL } from "../../src/wire/harness.ts";
import { operationsOf, type Input } from "../../src/wire/operations.ts";
import { connectLines } from "../../src/rpc/client.ts";
import { ownConfig, SECRETS, SPENDING, victimConfig } from "./granted.ts";
import { HostBait } from "./host-bait.ts";
import { programOf } from "./program.ts";
import { addRepositories, PREPARE } from "./repositories.ts";
import { filesIn } from "./inside/secret.ts";
import type { Bait, CagePosition, Observation } from "./row.ts";
import { Web } from "./web.ts";

/** The hive under attack, and what the attackers aim at: listeners and files of the host. */

/** The hive's credential. No cage, log or event may contain it. */
export const SECRET = "sk-ant-api03-THE-OWN-KEY-OF-THE-HIVE-UNDER-ATTACK";
/** Folders that both an attacker and this program can reach: the agent's own state, by its path in the cage. */
const PROGRAM = "/state/attack.mjs";
const BAIT = "/state/bait.json";
const RESULT = "/state/result.json";
/** Limits of the cage that floods: room for the CLI, and soon exhausted. */
const SMALL = { memory_mib: 1024, pids: 128, cpu_percent: 100, disk_mib: 64 };
/** Longest time of one cage's attempts: the CLI's own limit for a command. Milliseconds. */
const COMMAND_MS = 600_000;

/** Where the agent of ssh listens, whose socket is in the environment of the daemon. */
const agentSocket = ({ folder }: TestHive): string => join(folder, "ssh-agent.sock");

/** A rule of the model: one command. */
const bashRule = (words: string, command: string) => ({
  when: { text: `^${words}` },
  steps: [{ tools: [{ name: "Bash", input: { command } }] }, { say: "done" }],
});

export class World {
  readonly hive: TestHive;
  readonly host: HostBait;
  readonly #model: ModelServer;
  readonly #web: Web;
  /** The upstream of the repository `mirror`. */
  readonly #ssh: SshServer;
  /** The tip of the base of the repository `web`. */
  base = "";

  private constructor(parts: { hive: TestHive; model: ModelServer; web: Web; host: HostBait; ssh: SshServer }) {
    this.hive = parts.hive;
    this.host = parts.host;
    this.#model = parts.model;
    this.#web = parts.web;
    this.#ssh = parts.ssh;
  }

  /** What reached the host's listeners although nothing may: one line each. */
  get reached(): readonly string[] {
    return this.host.reached;
  }

  /** What the model's API got. */
  get upstream(): ModelServer["seen"] {
    return this.#model.seen;
  }
  /** What the one public host of the Internet got. */
  get web(): Web["seen"] {
    return this.#web.seen;
  }
  /** What the API behind the doors got. */
  get api(): Web["api"]["seen"] {
    return this.#web.api.seen;
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
      bashRule("after a restart", "echo restarted"),
      bashRule("shout", "yes | head -c 5000000; echo shouted"),
      { when: { text: "^spend" }, steps: [{ say: "spent", usage: { output: SPENDING.once } }] },
      { when: { from: "system" }, steps: [{ say: "noted" }] },
      { when: { text: "." }, steps: [{ say: "hello" }] },
    ]).start();
    const hive = new TestHive({
      ...REAL_CLI,
      HIVE_REHEARSAL: "0",
      HIVE_UPSTREAM_URL: model.url,
      ANTHROPIC_API_KEY: SECRET,
      HIVE_DISK_CHECK_SECONDS: "4",
    });
    const web = await Web.start(hive.folder);
    Object.assign(hive.env, web.env, { SSH_AUTH_SOCK: agentSocket(hive) });
    const host = await HostBait.start(agentSocket(hive));
    const ssh = await new SshServer().start();
    await hive.start();
    return new World({ hive, model, web, host, ssh });
  }

  /**
   * Sets out the bait for attacks from these positions: the listeners of the host, a file of the operator, repositories,
   * and other agents.
   */
  async bait(positions: ReadonlySet<CagePosition>): Promise<Omit<Bait, "rows">> {
    const { hive } = this;
    const hostFile = join(hive.folder, "operator.txt");
    writeFileSync(hostFile, "a file of the operator", { mode: 0o644 });
    this.base = addRepositories(hive);
    await this.#addMirror();
    for (const [name, value] of Object.entries(SECRETS)) await hive.call("secret_set", { name, value });
    const { host } = this;
    const limits = { output_tokens_per_day: SPENDING.limit };
    await hive.call("budget_set", { scope: "agent", agent: "hm1nd", limits });
    // Together: each waits for a build and for the start of a cage.
    const [id] = await Promise.all([
      this.#victim(),
      this.#spawn("stranger"),
      this.#spawn("mallory", ownConfig(host.port)),
      ...(positions.has("flood") ? [this.#spawn("flood", { limits: SMALL })] : []),
    ]);
    return {
      host: { port: host.port, address: host.address },
      udpPort: host.udpPort,
      abstractName: host.abstractName,
      dashboardPort: Number(new URL(hive.home).port),
      hostFile,
      stateDir: hive.stateDir,
      secretBackwards: backwards(SECRET),
      doorSecretBackwards: backwards(SECRETS.ITEMS_TOKEN),
      victimSecretBackwards: backwards(SECRETS.VICTIM_TOKEN),
      sshKeyBackwards: backwards(this.#ssh.key.secret),
      sshPort: this.#ssh.port,
      sshAgent: agentSocket(hive),
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

  /** Adds the repository of the host behind ssh. */
  async #addMirror(): Promise<void> {
    const { address, key, hostKey } = this.#ssh;
    this.#ssh.commit("README.md", "# mirror\n");
    const client = await connectLines(this.hive.socket, { ordered: true });
    try {
      const input = { name: "mirror", address, private: true, key: key.private, host_key: hostKey };
      for await (const { repo } of client.stream("repo_add_remote", input)) if (repo) return;
    } finally {
      client.close();
    }
  }

  /** Lets the host of `mirror` have a new commit, and the hive fetch it. */
  async followUpstream(): Promise<string> {
    const to = this.#ssh.commit("news.txt", "news\n");
    const { moved } = await this.hive.call("repo_fetch", { name: "mirror" });
    if (moved[0]?.to !== to) throw new Error(`the hive has fetched ${JSON.stringify(moved)}`);
    return "the hive has fetched from the host itself";
  }

  /** Where the private key for `mirror` is: files of the hive, relative to its folder, and arguments of processes. */
  sshKeyOutside(): string[] {
    const { secret } = this.#ssh.key;
    const { stateDir, output } = this.hive;
    const files = [...filesIn(stateDir)].filter((file) => readFileSync(file).includes(secret));
    const found = [...files.map((file) => relative(stateDir, file)), ...this.processesWith(secret)];
    return output.includes(secret) ? [...found, "the daemon's output"] : found;
  }

  /** Creates an agent, on a connection of its own. Resolves with its id once its cage runs. */
  async #spawn(name: string, config?: Input<"spawn">["config"]): Promise<string> {
    const client = await connectLines(this.hive.socket, { ordered: true });
    try {
      await client.call("spawn", { name, config });
    } finally {
      client.close();
    }
    return (await this.hive.untilAgent(name, (agent) => agent.state === "idle")).id;
  }

  /** Creates the victim with what is in its cage. Resolves with its id. */
  async #victim(): Promise<string> {
    const id = await this.#spawn("victim", victimConfig);
    writeFileSync(join(this.hive.stateDir, "agents", id, "state", "victim.mjs"), await programOf("victim.ts"));
    await this.#turn("victim", "prepare", /prepared/);
    return id;
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
  async restart(agent: string): Promise<string> {
    await this.hive.call("restart", { name: agent });
    return `a tool of the turn says: ${await this.#turn(agent, "after a restart", /restarted/)}`;
  }

  /** Sends to an agent and waits for its tool's result. Resolves with it, and fails with the result if it is an error. */
  async #turn(agent: string, body: string, expected: RegExp): Promise<string> {
    const { hive } = this;
    const { state } = await hive.call("state", { messages: 0 });
    await hive.call("send", { to: agent, body });
    let words = "";
    const isResult = (event: HiveEvent): boolean => {
      if (event.kind !== "turn" || event.turn.agent !== agent || event.turn.event.type !== "tool_result") return false;
      words = event.turn.event.text;
      return expected.test(words) || /rror/.test(words);
    };
    await hive.watch(isResult, { after: state.seq, kinds: ["turn"] });
    if (!expected.test(words)) throw new Error(`${agent}: ${body}: ${words}`);
    return words;
  }

  /** What programs that were planted have left, by the id of their plant. */
  async marks(agent: string): Promise<Record<string, string>> {
    const folder = join(await this.hive.folderOf(agent), "state", "obeyed");
    const names = existsSync(folder) ? readdirSync(folder) : [];
    return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
  }

  /** Processes of the host whose arguments have this text. */
  processesWith(text: string): string[] {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && commandLine(Number(name)).includes(text));
  }

  /** Bytes of an agent's log. */
  async logBytes(agent: string): Promise<number> {
    const folder = await this.hive.folderOf(agent);
    const logs = readdirSync(folder).filter((name) => name.startsWith("cage.log"));
    return logs.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  }

  /** Puts an empty file into an agent's state, as a sign for a program in its cage. */
  async put(agent: string, name: string): Promise<void> {
    writeFileSync(join(await this.hive.folderOf(agent), "state", name), "");
  }

  /** Lets an agent's tool print five megabytes. Resolves with the characters of the stored event. */
  async shout(agent: string): Promise<number> {
    return (await this.#turn(agent, "shout", /y\ny\ny/)).length;
  }

  /** Floods the hive from an agent's cage. During each attempt another agent gets a message, and takes it. */
  async flood(agent: string, bait: Bait): Promise<Record<string, Observation>> {
    let over = false;
    let wake = (): void => {};
    const state = join(await this.hive.folderOf(agent), "state");
    /** How much of its list of attempts the attacker has written. */
    const begun = (): number => statSync(join(state, "result.json.begun"), { throwIfNoEntry: false })?.size ?? 0;
    const changes = watch(state, () => wake());
    const flooding = this.attack(agent, "flood", bait).finally(() => {
      over = true;
      wake();
    });
    flooding.catch(() => {}); // Its caller gets it below.
    try {
      while (!over) {
        const before = begun();
        await this.#askAnother();
        await new Promise<void>((resolve) => {
          wake = () => void ((over || begun() !== before) && resolve());
          wake();
        });
      }
    } finally {
      changes.close();
    }
    return flooding;
  }

  /** Sends to another agent, waits for the end of its turn and looks at the page. */
  async #askAnother(): Promise<void> {
    const { hive } = this;
    const at = performance.now();
    const { sent } = await hive.call("send", { to: "victim", body: "are you there?" });
    await hive.untilMessage(({ id, state }) => id === sent[0]?.id && state === "done");
    const page = await fetch(`${hive.home}/healthz`);
    if (!page.ok) throw new Error(`the page answers ${page.status}`);
    this.#others.push(performance.now() - at);
  }

  /** How another agent fared during the flood. */
  othersWords(): string {
    const slowest = Math.round(Math.max(...this.#others));
    return `${this.#others.length} messages to another agent were handled, the slowest after ${slowest} ms; the page answered`;
  }
  /** How long each message to another agent took from its send to the end of its turn. Milliseconds. */
  readonly #others: number[] = [];

  /** The files outside of the cages, and the daemon's output, that have a text. */
  async #filesWith(text: string): Promise<string[]> {
    const { hive } = this;
    const logs = ["hm1nd", "mallory", "victim"].map(async (name) => join(await hive.folderOf(name), "cage.log"));
    const files = [
      ...(await Promise.all(logs)),
      ...["daemon.log", "hive.db", "hive.db-wal"].map((name) => join(hive.stateDir, name)),
    ];
    const found = files.filter((file) => readFileSync(file).includes(text));
    if (hive.output.includes(text)) found.push("the daemon's output");
    return found;
  }

  /** Where outside of the cages values of secrets are, by the names of the secrets. Only their own files may have them. */
  async valuesOutside(names: readonly (keyof typeof SECRETS)[]): Promise<string[]> {
    const found: string[] = [];
    for (const name of names) for (const file of await this.#filesWith(SECRETS[name])) found.push(`${name} in ${file}`);
    return found;
  }

  /** Where outside of the cages the hive's credential is, besides the requests to the API, each of which must have it. */
  async secretOutside(): Promise<string[]> {
    const { upstream } = this;
    const found = await this.#filesWith(SECRET);
    if (upstream.length === 0 || upstream.some(({ headers }) => headers["x-api-key"] !== SECRET))
      found.push("not in every request to the API");
    return found;
  }

  async stop(): Promise<void> {
    await this.hive.dispose();
    await this.#model.stop();
    await this.#web.stop();
    await this.#ssh.stop();
    await this.host.stop();
  }
}

/** A text that a search for it does not find. */
export const backwards = (text: string): string => Array.from(text).reverse().join("");
