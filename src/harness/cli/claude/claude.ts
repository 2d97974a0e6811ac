import { randomUUID } from "node:crypto";
import type { ChildProcess } from "node:child_process";
import type { McpServerConfig, Options, Query, SDKMessage, SDKUserMessage } from "@anthropic-ai/claude-agent-sdk";
import type { TurnEnd } from "../../../wire/turn-ends.ts";
import { startChild } from "../../../os/run.ts";
import { descendants, kill, killTree, residentBytes } from "../../../os/process-tree.ts";
import { AsyncQueue } from "../../async-queue.ts";
import type { Picture } from "../../pictures.ts";
import { NO_FIGURES, type AgentCli, type CliSink, type PromptEnd, type Started } from "../port.ts";
import { StreamReader } from "./events.ts";
import { endOf, resultWords } from "./outcome.ts";
import { sessionFolderProblem } from "./session-folder.ts";
import { unconnected } from "./servers.ts";
import { startFailure } from "./start-failure.ts";
import { whyRecycle } from "./process-recycling.ts";

/** How long an interrupt may take before the process is killed. It takes 9 to 38 ms (measured). Milliseconds. */
const INTERRUPT_MS = 500;
/** Lines of stderr per turn that become notes, and characters of each. */
const MAX_STDERR_LINES = 20;
const MAX_STDERR_CHARS = 2_000;
/** How long to keep a process without a prompt. A first message often follows a deploy. Milliseconds. */
const UNUSED_WARM_MS = 30_000;
/** Maximum characters of a reason: a few lines on a page. */
const MAX_REASON_CHARS = 300;

const loadSdk = (): Promise<typeof import("@anthropic-ai/claude-agent-sdk")> => import("@anthropic-ai/claude-agent-sdk");

export interface ClaudeDeps {
  /** Where the CLI stores its sessions. */
  sessionFolder: string;
  /** Makes the options of a new process, except the MCP servers. */
  options(model: string, sessionId: string | undefined): Options;
  /** Makes the servers of a new process. In-process servers belong to one connection. */
  servers(): Record<string, McpServerConfig>;
  sink: CliSink;
  log(words: string): void;
  /** How long to keep an idle process. Milliseconds. */
  warmMs: number;
}

/** One CLI process and the conversation over its stdio. */
interface Process {
  query: Query;
  input: AsyncQueue<SDKUserMessage>;
  child: ChildProcess | undefined;
  startedAt: number;
  turns: number;
  reader: StreamReader;
  /** It was started to resume a session. */
  resuming: boolean;
  /** It has answered `initialize`. If it ends earlier, it failed to start. */
  initialized: boolean;
  /** Resolves when it has answered `initialize`. */
  started: Promise<void>;
  /** Why it refused to start, if a result says so. */
  refusal: { kind: TurnEnd; reason: string } | undefined;
  /** The operating system's error code if it could not be started. */
  startError: string | undefined;
  /** Resolves when the stream has ended, with its error if there was one. */
  ended: Promise<Error | undefined>;
}

interface Running {
  uuid: string;
  /** The turn begins a session. */
  fresh: boolean;
  finish(end: PromptEnd): void;
}

/**
 * Wraps Claude Code: prompts go in, ends come out. The process is kept warm between turns, replaced between turns by
 * age, count and size, and ended when it has been idle. The next process resumes its session.
 */
export class Claude implements AgentCli {
  readonly #deps: ClaudeDeps;
  #process: Process | undefined;
  #running: Running | undefined;
  #model: string;
  #sessionId: string | undefined;
  #warmTimer: NodeJS.Timeout | undefined;
  #stderrLines = 0;

  constructor(deps: ClaudeDeps, { model, sessionId }: { model: string; sessionId: string | undefined }) {
    this.#deps = deps;
    this.#model = model;
    this.#sessionId = sessionId;
    // Load it before the first prompt needs it. An error is reported by that prompt.
    loadSdk().catch(() => {});
  }

  /** Pid of the process, if it runs. */
  get pid(): number | undefined {
    return this.#process?.child?.pid;
  }

  async start(): Promise<Started> {
    const first = await this.#tryStart();
    if (!("kind" in first) || first.kind !== "session_lost") return first;
    this.#deps.sink.emit({
      type: "note",
      level: "warn",
      text: `the session cannot be resumed (${first.reason}): the next message begins a new one`,
    });
    await this.newSession();
    return this.#tryStart();
  }

  async #tryStart(): Promise<Started> {
    clearTimeout(this.#warmTimer);
    const problem = sessionFolderProblem(this.#deps.sessionFolder);
    if (problem !== undefined) return { kind: "machine", reason: problem };
    try {
      const process = await this.#ready();
      const died = process.ended.then((error) => deathOf(process, error));
      const death = await Promise.race([
        process.started.then(
          () => undefined,
          // If the process does not start, it ends, and its end has the reason.
          () => died,
        ),
        died,
      ]);
      if (death) return { kind: death.kind, reason: death.reason };
      return { servers: await unconnected(process.query) };
    } catch (error) {
      return unstartable(error);
    } finally {
      this.#keepWarm(Math.min(this.#deps.warmMs, UNUSED_WARM_MS));
    }
  }

  prompt(text: string, pictures: readonly Picture[] = []): Promise<PromptEnd> {
    return this.#run(text, { composed: true, pictures });
  }

  async compact(): Promise<PromptEnd> {
    if (this.#sessionId === undefined) return { kind: "ok", reason: "there is no session yet", figures: NO_FIGURES };
    this.#deps.sink.compacting(true);
    try {
      const end = await this.#run("/compact", { composed: false });
      if (end.kind !== "session_lost") return end;
      await this.newSession();
      const text = `the session to compact is lost (${end.reason}): the next message begins a new one`;
      this.#deps.sink.emit({ type: "note", level: "warn", text });
      return { kind: "ok", reason: text, figures: NO_FIGURES };
    } finally {
      this.#deps.sink.compacting(false);
    }
  }

  async cancel(why: string): Promise<void> {
    const running = this.#running;
    const process = this.#process;
    if (!running || !process) return;
    process.reader.cancelled = why;
    const stopped = new Promise<void>((resolve) => {
      const finish = running.finish;
      running.finish = (end) => {
        finish(end);
        resolve();
      };
    });
    // The interrupt fails if the CLI is gone. If it does not stop in time, it is killed below.
    process.query.interrupt().catch(() => {});
    let timer: NodeJS.Timeout | undefined;
    const inTime = await Promise.race([
      stopped.then(() => true),
      new Promise<boolean>((resolve) => (timer = setTimeout(resolve, INTERRUPT_MS, false))),
    ]);
    clearTimeout(timer);
    if (!inTime) process.reader.endCalls();
    const pid = process.child?.pid;
    if (!inTime || (pid !== undefined && descendants(pid).length > 0)) await this.end();
  }

  async setModel(model: string): Promise<void> {
    this.#model = model;
    await this.#process?.query
      .setModel(model)
      .catch((error: unknown) => this.#deps.log(`the model could not be changed: ${String(error)}`));
  }

  async newSession(): Promise<void> {
    this.#sessionId = undefined;
    await this.end();
  }

  async end(): Promise<void> {
    clearTimeout(this.#warmTimer);
    const process = this.#process;
    if (!process) return;
    this.#process = undefined;
    const pid = process.child?.pid;
    const tree = pid === undefined ? [] : descendants(pid);
    if (pid !== undefined) killTree(pid);
    process.input.end();
    process.query.close();
    await process.ended;
    tree.forEach(kill);
  }

  async #run(text: string, how: { composed: boolean; pictures?: readonly Picture[] }): Promise<PromptEnd> {
    clearTimeout(this.#warmTimer);
    this.#stderrLines = 0;
    const problem = this.#process ? undefined : sessionFolderProblem(this.#deps.sessionFolder);
    if (problem !== undefined) return { kind: "machine", reason: problem, figures: NO_FIGURES };
    try {
      const process = await this.#ready();
      return await this.#converse(process, contentOf(text, how.pictures), how.composed);
    } catch (error) {
      return { ...unstartable(error), figures: NO_FIGURES };
    } finally {
      this.#running = undefined;
      await this.#afterTurn();
    }
  }

  #converse(process: Process, content: SDKUserMessage["message"]["content"], composed: boolean): Promise<PromptEnd> {
    return new Promise((resolve) => {
      const uuid = randomUUID();
      const running: Running = { uuid, fresh: this.#sessionId === undefined, finish: resolve };
      this.#running = running;
      process.reader.beginTurn();
      void process.ended.then((error) => running.finish(deathOf(process, error)));
      process.input.push({
        type: "user",
        message: { role: "user", content },
        parent_tool_use_id: null,
        uuid,
        ...(composed ? { client_composed: true } : {}),
      });
    });
  }

  /** Returns the process for the next prompt: the warm one, or a new one on the same session. */
  async #ready(): Promise<Process> {
    if (this.#process) return this.#process;
    const { query } = await loadSdk();
    const input = new AsyncQueue<SDKUserMessage>();
    const reader = new StreamReader({
      ...this.#deps.sink,
      session: (id) => {
        this.#sessionId = id;
        this.#deps.sink.session(id);
      },
    });
    const resuming = this.#sessionId !== undefined;
    const own: Pick<Process, "child" | "startError"> = { child: undefined, startError: undefined };
    const options: Options = {
      ...this.#deps.options(this.#model, this.#sessionId),
      mcpServers: this.#deps.servers(),
      spawnClaudeCodeProcess: ({ command, args, cwd, env }) => {
        const child = startedOr(
          () => startChild(command, args, { cwd: cwd ?? "/", env: definedOnly(env) }),
          (code) => (own.startError = code),
        );
        own.child = child;
        child.stderr?.setEncoding("utf8").on("data", (chunk: string) => this.#stderr(chunk));
        return child as never;
      },
    };
    const conversation = query({ prompt: input, options });
    const process: Process = Object.assign(own, {
      query: conversation,
      input,
      startedAt: performance.now(),
      turns: 0,
      reader,
      resuming,
      initialized: false,
      started: Promise.resolve(),
      refusal: undefined,
      ended: Promise.resolve<Error | undefined>(undefined),
    });
    process.ended = this.#pump(conversation, process);
    this.#process = process;
    process.started = conversation.initializationResult().then(() => {
      process.initialized = true;
    });
    // The stream ends too, with the reason.
    process.started.catch(() => {});
    void process.ended.then(() => {
      if (this.#process === process) this.#process = undefined;
    });
    return process;
  }

  async #pump(conversation: Query, process: Process): Promise<Error | undefined> {
    try {
      for await (const message of conversation) this.#message(message, process);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #message(message: SDKMessage, process: Process): void {
    const { reader } = process;
    reader.read(message);
    if (message.type !== "result") return;
    if (!process.initialized) {
      // The CLI also writes a result when it refuses to start.
      process.refusal = startFailure({ code: undefined, words: resultWords(message), resuming: process.resuming });
      this.#running?.finish({ ...process.refusal, figures: NO_FIGURES });
      return;
    }
    const figures = reader.figures(message);
    // A result of a subagent or a background shell names another message as the one it answers, or none.
    const answers = "user_message_uuid" in message ? message.user_message_uuid : undefined;
    const running = this.#running;
    if (!running || (answers !== undefined && answers !== running.uuid)) return;
    const { answered, apiError } = reader;
    running.finish(endOf(message, figures, { fresh: running.fresh, answered, apiError }));
  }

  async #afterTurn(): Promise<void> {
    const process = this.#process;
    if (!process) return;
    process.turns++;
    const pid = process.child?.pid;
    const why = whyRecycle({
      turns: process.turns,
      ageMs: performance.now() - process.startedAt,
      residentBytes: pid === undefined ? 0 : residentBytes(pid),
    });
    if (why !== undefined) {
      this.#deps.log(`Claude Code is replaced between turns: ${why}`);
      return this.end();
    }
    this.#keepWarm(this.#deps.warmMs);
  }

  #keepWarm(ms: number): void {
    clearTimeout(this.#warmTimer);
    this.#warmTimer = setTimeout(() => void this.end(), ms);
    this.#warmTimer.unref();
  }

  #stderr(chunk: string): void {
    for (const line of chunk.split("\n")) {
      if (line.trim() === "") continue;
      this.#deps.log(`claude: ${line.slice(0, MAX_STDERR_CHARS)}`);
      if (++this.#stderrLines <= MAX_STDERR_LINES)
        this.#deps.sink.emit({ type: "note", level: "warn", text: line.slice(0, MAX_STDERR_CHARS) });
    }
  }
}

/** The end of a turn whose process has ended. */
function deathOf(process: Process, error: Error | undefined): PromptEnd {
  const why = error?.message ?? "its stream ended";
  const code = process.child?.signalCode ?? process.child?.exitCode ?? "unknown";
  if (!process.initialized) {
    const failure = process.refusal ?? startFailure({ code: process.startError, words: why, resuming: process.resuming });
    return { ...failure, reason: cutReason(failure.reason), figures: NO_FIGURES };
  }
  if (!process.reader.begun)
    return {
      kind: "machine",
      reason: cutReason(`Claude Code ended before it had the prompt (${code}): ${why}`),
      figures: NO_FIGURES,
    };
  return {
    kind: "crashed",
    reason: cutReason(`Claude Code ended in mid-turn (${code}): ${why}`),
    figures: process.reader.noFigures(),
  };
}

/** Why a process could not be started. */
function unstartable(error: unknown): { kind: TurnEnd; reason: string } {
  const { code } = error as NodeJS.ErrnoException;
  // The SDK's own errors have no code: what they say is all that is known.
  return startFailure({ code: code ?? words(error), words: words(error), resuming: false });
}

/** Starts a process. Calls `failed` with the operating system's error code if that fails, now or shortly after. */
function startedOr(start: () => ChildProcess, failed: (code: string) => void): ChildProcess {
  const report = (error: unknown): void => failed((error as NodeJS.ErrnoException).code ?? words(error));
  try {
    return start().once("error", report);
  } catch (error) {
    report(error);
    throw error;
  }
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const cutReason = (reason: string): string => reason.slice(0, MAX_REASON_CHARS);

function definedOnly(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** A prompt for the API: a text alone, or with its pictures in blocks. */
function contentOf(text: string, pictures: readonly Picture[] = []): SDKUserMessage["message"]["content"] {
  if (pictures.length === 0) return text;
  const blocks = pictures.map(({ type, base64 }) => ({
    type: "image" as const,
    source: { type: "base64" as const, media_type: type, data: base64 },
  }));
  return [{ type: "text", text }, ...blocks];
}
