import { spawn, type ChildProcess } from "node:child_process";
import { copyFileSync, existsSync, linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { once } from "node:events";
import { findClaude } from "../../src/daemon/runtime-files.ts";
import { descendants } from "../../src/os/process-tree.ts";
import { connectLines, type LineClient } from "../../src/rpc/client.ts";
import type { AgentView } from "../../src/wire/agent.ts";
import type { HiveEvent } from "../../src/wire/event.ts";
import type { MessageView } from "../../src/wire/message.ts";
import { scaled } from "./slowness.ts";
import type { Input, OperationName, Output } from "../../src/wire/operations.ts";

const DIST = join(import.meta.dirname, "../../dist");

/**
 * Settings of a hive whose test looks at no turn: in the place of Claude Code, whose start takes two seconds of a
 * processor for each agent, runs a program that confirms its start and ends each turn at once. Not for a daemon that runs
 * as another user: the checkout may be closed to it.
 */
export const IDLE_CLI = { HIVE_CLAUDE_PATH: join(DIST, "../test/lib/idle-claude.sh") };

/**
 * The program in the place of Claude Code in tests that say nothing else: it confirms its start, and becomes Claude Code with
 * the first message. Many agents of tests are deployed, restarted or stopped again before they get one.
 */
const LAZY_CLI = { HIVE_CLAUDE_PATH: join(DIST, "../test/lib/lazy-claude.sh") };

/** Settings of a hive whose test looks at how Claude Code itself starts. */
export const REAL_CLI = { HIVE_CLAUDE_PATH: findClaude(undefined) };

/** A clean environment for the programs that tests run, without the caller's clients or credentials. */
export function cleanEnv(extra: Record<string, string> = {}): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(?:CLAUDE|ANTHROPIC|HIVE_|XDG_)/.test(name)) env[name] = value;
  }
  return { ...env, NO_COLOR: "1", ...extra };
}

/** The command line of a process, or an empty string if it has ended. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    // The process has ended.
    return "";
  }
}

/** True while a process runs. False once it has ended, even if it was not reaped yet. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch {
    // The process has ended.
    return false;
  }
}

/**
 * Pause between two looks at a condition: a tighter loop takes the processor from what it waits for. A look at the
 * processes of a cage reads the whole process table, which takes some milliseconds. Milliseconds.
 */
const POLL_MS = 50;

/** Puts Claude Code next to the program that starts in its place (`LAZY_CLI`), in each runtime of a hive. */
function addClaude(runtimes: string): void {
  for (const name of readdirSync(runtimes)) {
    const to = join(runtimes, name, "bin/claude.real");
    if (existsSync(to)) continue;
    const from = findClaude(undefined);
    try {
      linkSync(from, to);
    } catch {
      // Another file system.
      copyFileSync(from, to);
    }
  }
}

/** Polls a condition that has no signal, such as the process table. Rejects with what the condition throws. */
export function until(condition: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      try {
        if (condition()) resolve();
        else setTimeout(look, POLL_MS);
      } catch (error) {
        reject(error);
      }
    };
    look();
  });
}

/** A real daemon over the built program, with its own folders and port. */
export class TestHive {
  readonly folder: string;
  readonly env: Record<string, string>;
  #daemon: ChildProcess | undefined;
  /** True if the daemon stops its cages when it ends by SIGTERM. */
  #isForeground = true;
  /** True if `LAZY_CLI` is in the place of Claude Code. A program that starts the daemon as another user cannot give it that. */
  #isLazy = false;
  output = "";
  #client: Promise<LineClient> | undefined;

  constructor(env: Record<string, string> = {}) {
    this.folder = mkdtempSync(join(tmpdir(), "hive-"));
    this.env = cleanEnv({
      HIVE_STATE_DIR: join(this.folder, "s"),
      HOME: this.folder,
      HIVE_PORT: "0",
      HIVE_REHEARSAL: "1",
      // A benchmark measures the real start.
      ...(process.env["VITEST"] === undefined ? {} : LAZY_CLI),
      // Hives of parallel tests would use the same ports.
      HIVE_AGENT_PORTS: "off",
      // A slow start of a generation on a busy machine is no failure of its config.
      HIVE_CONFIRM_SECONDS: String(scaled(60_000) / 1000),
      ...env,
    });
  }

  /** Plays these rules instead of the built-in tour. Call it before the start. */
  play(rules: unknown[]): this {
    const file = join(this.folder, "scenario.json");
    writeFileSync(file, JSON.stringify({ name: "test", rules }));
    this.env["HIVE_SCENARIOS"] = file;
    return this;
  }

  get stateDir(): string {
    return this.env["HIVE_STATE_DIR"] ?? "";
  }
  /** An agent's folder on the host. */
  async folderOf(name: string): Promise<string> {
    const { state } = await this.call("state", { messages: 0 });
    const agent = state.agents.find((one) => one.name === name);
    if (!agent) throw new Error(`there is no agent ${name}`);
    return join(this.stateDir, "agents", agent.id);
  }
  /** An agent's own socket, as its cage sees it. */
  agentSocket(name: string): string {
    return join(dirname(this.socket), ...(name === "hm1nd" ? ["manager"] : ["agents", name]), "mcp.sock");
  }
  /** The processes of an agent's cage on the host, its first one first. */
  async cage(name: string): Promise<{ init: number; find(words: string): number; all(): number[] }> {
    const note = JSON.parse(readFileSync(join(await this.folderOf(name), "cage", "cage.json"), "utf8")) as {
      init: { pid: number };
    };
    const all = (): number[] => [note.init.pid, ...descendants(note.init.pid)];
    return {
      init: note.init.pid,
      all,
      find(words) {
        const pid = all().find((one) => commandLine(one).includes(words));
        if (pid === undefined) throw new Error(`no process of ${name} runs ${words}: ${all().map(commandLine).join(" | ")}`);
        return pid;
      },
    };
  }

  /** A browser's session without the browser: fetch with the cookie of the launch URL. */
  async browser(): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
    const { url } = await this.call("login", {});
    const token = url.split("#token=")[1];
    const origin = new URL(url).origin;
    const answer = await fetch(`${origin}/api/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
    return (path, init = {}) =>
      fetch(`${origin}${path}`, {
        redirect: "manual",
        ...init,
        headers: { Cookie: cookie, ...(init.headers as Record<string, string>) },
      });
  }

  get socket(): string {
    return join(this.env["HIVE_RUN_DIR"] ?? join(this.folder, "s", "run"), "host.sock");
  }
  /** The daemon's process. */
  get process(): ChildProcess {
    if (!this.#daemon) throw new Error("the hive has not been started");
    return this.#daemon;
  }
  get pid(): number {
    return this.#daemon?.pid ?? 0;
  }

  /**
   * Starts the daemon. Resolves once its dashboard answers. `inside` is a program with arguments that runs it, `by` one
   * that starts it. `manager: false` stops the manager, for tests that do not look at it: it is told of each spawn, and its
   * turn is a start of Claude Code.
   */
  async start(
    options: {
      foreground?: boolean;
      env?: Record<string, string>;
      dist?: string;
      inside?: string[];
      by?: string[];
      manager?: false;
    } = {},
  ): Promise<this> {
    this.#isForeground = options.foreground !== false;
    const direct = [
      ...(options.inside ?? []),
      process.execPath,
      // As `npm start` sets it (scripts/lib.mjs).
      "--max-semi-space-size=32",
      join(options.dist ?? DIST, "hive-c0re.js"),
    ];
    const [program = "", ...argv] = [
      ...(options.by ?? direct),
      "serve",
      ...(options.foreground === false ? [] : ["--foreground"]),
    ];
    const env = { ...this.env, ...options.env };
    if (options.by && env["HIVE_CLAUDE_PATH"] === LAZY_CLI.HIVE_CLAUDE_PATH) delete env["HIVE_CLAUDE_PATH"];
    this.#isLazy = env["HIVE_CLAUDE_PATH"] === LAZY_CLI.HIVE_CLAUDE_PATH;
    this.#daemon = spawn(program, argv, {
      env,
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    await this.ready();
    if (options.manager === false) await this.call("stop", { scope: { agent_names: ["hm1nd"] }, graceful: false });
    return this;
  }

  /** Resolves once the dashboard of the starting daemon answers. */
  async ready(): Promise<void> {
    const child = this.process;
    this.output = "";
    this.#client = undefined;
    await new Promise<void>((resolve, reject) => {
      const onData = (chunk: Buffer): void => {
        this.output += chunk.toString();
        if (this.output.includes("/login#token=")) resolve();
      };
      child.stdout?.removeAllListeners("data").on("data", onData);
      child.stderr?.removeAllListeners("data").on("data", onData);
      child.once("exit", (code, signal) =>
        reject(new Error(`the daemon ended (${code ?? signal}) before it was ready:\n${this.output}`)),
      );
    });
    if (this.#isLazy) addClaude(join(this.stateDir, "runtime"));
  }

  /** The launch URL that the daemon printed. */
  get launchUrl(): string {
    return /(http:\/\/\S+\/login#token=\S+)/.exec(this.output)?.[1] ?? "";
  }
  get home(): string {
    return new URL(this.launchUrl).origin;
  }

  /** The single connection of this hive's calls. Parallel calls are carried out one after the other. */
  client(): Promise<LineClient> {
    this.#client ??= connectLines(this.socket, { ordered: true });
    return this.#client;
  }
  async call<N extends OperationName>(name: N, input: Input<N>): Promise<Output<N>> {
    return (await this.client()).call(name, input);
  }

  /** Follows the event stream from `after` until `isLast` returns true. Fails if the stream ends first. */
  async watch(isLast: (event: HiveEvent) => boolean, input: Input<"watch"> = { after: 0 }): Promise<HiveEvent[]> {
    const client = await connectLines(this.socket, { ordered: true });
    const seen: HiveEvent[] = [];
    for await (const { event } of client.stream("watch", input)) {
      if (!event) continue;
      seen.push(event);
      if (isLast(event)) return seen;
    }
    throw new Error("the event stream ended");
  }

  /** Waits until the agent's view satisfies a condition. */
  async untilAgent(name: string, condition: (agent: AgentView) => boolean): Promise<AgentView> {
    const events = await this.watch((event) => event.kind === "agent" && event.agent.name === name && condition(event.agent), {
      kinds: ["agent"],
    });
    const last = events.at(-1);
    if (last?.kind !== "agent") throw new Error("unreachable");
    return last.agent;
  }

  /** Waits for a message that satisfies a condition, past ones included. */
  async untilMessage(condition: (message: MessageView) => boolean): Promise<MessageView> {
    const events = await this.watch((event) => event.kind === "message" && condition(event.message), {
      after: 0,
      kinds: ["message"],
    });
    const last = events.at(-1);
    if (last?.kind !== "message") throw new Error("unreachable");
    return last.message;
  }

  /** Kills the daemon with SIGKILL, as a crash would. Cages survive. */
  async crash(): Promise<void> {
    const child = this.#daemon;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /**
   * Sends SIGTERM to a foreground daemon, which stops its cages and ends. Resolves with its exit code. `atOnce`
   * interrupts turns.
   */
  async stop({ atOnce = false } = {}): Promise<number | null> {
    void this.#client?.then(
      (client) => client.close(),
      () => {}, // There is no client to close.
    );
    this.#client = undefined;
    const child = this.#daemon;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    if (atOnce) {
      await until(() => this.output.includes("stopping the cages") || child.exitCode !== null || child.signalCode !== null);
      child.kill("SIGINT");
    }
    const [code] = (await ended) as [number | null];
    return code;
  }

  /** Stops what still runs, including cages, and removes the folder. */
  async dispose(): Promise<void> {
    if (this.#daemon && this.#daemon.exitCode === null && this.#daemon.signalCode === null) await this.stop({ atOnce: true });
    else if (existsSync(this.folder) && !(this.#isForeground && this.#daemon?.exitCode === 0)) {
      // A crashed daemon leaves cages, which only a daemon can stop. One that has ended well has stopped its own.
      await this.start()
        .then(() => this.stop({ atOnce: true }))
        .catch((error: unknown) => console.error(`cages may be left of ${this.folder}:`, error));
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
