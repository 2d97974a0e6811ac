import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The built-in tools of a hive's agent. The bare CLI gets the same, so that its request is as large. */
const TOOLS = "Bash,Read,Write,Edit,Glob,Grep,NotebookEdit";

/** The CLI as a person would pipe it, with its own home and a clean environment: no cage, no hive. */
export class BareCli {
  readonly #program: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "bench-cli-"));
  readonly #url: string;
  #child: ChildProcessWithoutNullStreams | undefined;
  #rest = "";
  #onLine: (line: { type: string; session_id?: string; is_error?: boolean; result?: string }) => void = () => {};
  #sessionId: string | undefined;

  constructor(program: string, url: string) {
    this.#program = program;
    this.#url = url;
    for (const name of ["home", "work", "config", "tmp"]) mkdirSync(join(this.#folder, name));
  }

  /** Starts a process that continues the last session. */
  start(): void {
    const argv = ["-p", "--verbose", "--input-format", "stream-json", "--output-format", "stream-json", "--model", "sonnet"];
    argv.push("--tools", TOOLS, "--setting-sources", "", "--strict-mcp-config");
    if (this.#sessionId !== undefined) argv.push("--resume", this.#sessionId);
    const child = spawn(this.#program, argv, {
      cwd: join(this.#folder, "work"),
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        PATH: "/usr/local/bin:/usr/bin:/bin",
        LANG: "C.UTF-8",
        SHELL: "/bin/sh",
        HOME: join(this.#folder, "home"),
        TMPDIR: join(this.#folder, "tmp"),
        CLAUDE_CONFIG_DIR: join(this.#folder, "config"),
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
        CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
        DISABLE_AUTOUPDATER: "1",
        ANTHROPIC_BASE_URL: this.#url,
        ANTHROPIC_API_KEY: "sk-ant-api03-placeholder",
      },
    });
    child.stderr.resume();
    child.stdin.on("error", () => {}); // The end of the CLI is noticed by its output.
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      const parts = (this.#rest + chunk).split("\n");
      this.#rest = parts.pop() ?? "";
      for (const part of parts) if (part !== "") this.#onLine(JSON.parse(part) as never);
    });
    this.#child = child;
  }

  /** Resolves when the process has answered `initialize`: it has read its config and could take a message. */
  async initialized(): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.#onLine = (line) => line.type === "control_response" && resolve();
      this.#child?.once("exit", (code) => reject(new Error(`the bare CLI ended with ${code}`)));
    });
    this.#child?.stdin.write(
      `${JSON.stringify({ type: "control_request", request_id: "1", request: { subtype: "initialize", hooks: {} } })}\n`,
    );
    await done;
    this.#child?.removeAllListeners("exit");
  }

  /** Writes a message and resolves at the end of its turn. Throws when the turn failed. */
  async say(text: string): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.#onLine = (line) => {
        if (line.session_id !== undefined) this.#sessionId = line.session_id;
        if (line.type !== "result") return;
        if (line.is_error === true) reject(new Error(`the bare CLI says ${line.result ?? "error"}`));
        else resolve();
      };
      this.#child?.once("exit", (code) => reject(new Error(`the bare CLI ended with ${code}`)));
    });
    this.#child?.stdin.write(
      `${JSON.stringify({ type: "user", message: { role: "user", content: text }, parent_tool_use_id: null })}\n`,
    );
    await done;
    this.#child?.removeAllListeners("exit");
  }

  /** Ends the process by closing its input, as the end of a pipe does. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.stdin.end();
    await ended;
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
