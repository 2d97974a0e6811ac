import { spawn, type ChildProcessByStdio } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { width } from "../../src/cli/print.ts";
import { IDLE_CLI, TestHive, cleanEnv } from "../lib/hive.ts";

/** hivectl with a terminal and a shell: completion in a real bash, `top` on a real pseudo-terminal. */

const HIVECTL = join(import.meta.dirname, "../../dist/hivectl.js");

let hive: TestHive;
let env: Record<string, string>;
beforeAll(async () => {
  hive = await new TestHive(IDLE_CLI).start();
  await hive.call("spawn", { name: "scout", description: "looks things up" });
  // As it would be installed: a program on the path.
  const program = join(hive.folder, "hivectl");
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${HIVECTL}" "$@"\n`);
  chmodSync(program, 0o755);
  env = cleanEnv({
    HIVE_STATE_DIR: hive.stateDir,
    HOME: hive.folder,
    PATH: `${hive.folder}:${process.env["PATH"] ?? ""}`,
    TERM: "xterm",
  });
});
afterAll(() => hive.dispose());

function run(command: string, args: string[]): Promise<{ code: number | null; out: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.on("close", (code) => resolve({ code, out }));
  });
}

describe("completion", () => {
  const scripts = new Map<string, { code: number | null; out: string }>();
  beforeAll(async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const made = await run("hivectl", ["completion", shell]);
      scripts.set(shell, made);
      writeFileSync(join(hive.folder, `completion.${shell}`), made.out);
    }
  });
  /** The candidates of bash for a line with the cursor at its end. `replaced` is the word that a candidate would replace. */
  async function offered(line: string, replaced = line.split(" ").at(-1) ?? ""): Promise<string[]> {
    const script = `set -u; source "$HOME/completion.bash"; COMP_LINE="$1"; COMP_POINT=\${#1}; _hivectl hivectl "$2" x; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { out } = await run("bash", ["--norc", "-c", script, "bash", line, replaced]);
    return out.split("\n").filter((word) => word !== "");
  }

  test("verbs, by their first letters", async () => {
    expect(await offered("hivectl sta")).toEqual(["status", "start"]);
    expect(await offered("hivectl __")).toEqual([]);
  });

  test("names of existing agents, once each, with an @ if one was typed", async () => {
    expect(await offered("hivectl tail ")).toEqual(["hm1nd", "scout"]);
    expect(await offered("hivectl pause hm1nd ")).toEqual(["scout"]);
    expect(await offered("hivectl send @sc")).toEqual(["@scout"]);
    expect(await offered("hivectl send @sc", "sc")).toEqual(["scout"]);
    expect(await offered("hivectl tail scout ")).toEqual([]);
    const { request } = await hive.call("request_spawn", { name: "newcomer" });
    expect(await offered("hivectl tail n")).toEqual([]);
    await hive.call("deny", { id: request });
  });

  test("options, their values, and files where a file is expected", async () => {
    expect(await offered("hivectl approve --s")).toEqual(["--sha", "--socket"]);
    expect(await offered("hivectl spawn x --model h")).toEqual(["haiku"]);
    expect(await offered(`hivectl spawn x --config ${hive.folder}/hivec`)).toEqual([`${hive.folder}/hivectl`]);
    expect(await offered(`hivectl --socket /nowhere tail `)).toEqual([]);
  });

  test("each shell's script is valid in that shell", async () => {
    for (const [name, { code, out }] of scripts) {
      expect(code).toBe(0);
      expect(out).toContain("__complete --");
      expect((await run(name, ["-n", join(hive.folder, `completion.${name}`)])).code, name).toBe(0);
    }
    expect((await run("hivectl", ["completion", "tcsh"])).code).toBe(2);
  });

  test("fish offers the same with descriptions", async () => {
    const inFish = async (line: string): Promise<string[]> => {
      const script = `source "$HOME/completion.fish"; complete -C '${line}'`;
      return (await run("fish", ["--no-config", "-c", script])).out.split("\n").filter((one) => one !== "");
    };
    const names = async (line: string): Promise<(string | undefined)[]> => (await inFish(line)).map((one) => one.split("\t")[0]);
    expect(await inFish("hivectl sta")).toEqual(["start\tstart agents", "status\tthe hive at a glance"]);
    // With no letter of the name typed, after other words, and with its first letters.
    expect(await names("hivectl tail ")).toEqual(expect.arrayContaining(["hm1nd", "scout"]));
    expect(await names("hivectl kill hm1nd ")).toEqual(expect.not.arrayContaining(["hm1nd"]));
    expect(await names("hivectl send @sc")).toEqual(["@scout"]);
    expect(await names(`hivectl backup ${hive.folder}/hivec`)).toEqual([`${hive.folder}/hivectl`]);
  });
});

/** A command on its own pseudo-terminal, and its output there. */
class Terminal {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting: { isThere(): boolean; done(): void }[] = [];
  readonly #closed: Promise<void>;
  #size: { rows: number; columns: number };
  /** The complete output. */
  screen = "";

  constructor(command: string, rows = 20, columns = 80) {
    this.#size = { rows, columns };
    // The shell prints its terminal, whether the settings were restored, and how the command ended.
    const around = `tty; stty rows ${rows} cols ${columns}; was=$(stty -g); sh -c 'echo "pid $$"; exec ${command}'; code=$?; test "$(stty -g)" = "$was" && echo settings kept; echo "ended with $code"`;
    this.#child = spawn("script", ["-qec", around, "/dev/null"], { env, stdio: ["pipe", "pipe", "inherit"] });
    this.#closed = new Promise((resolve) => this.#child.once("close", () => resolve()));
    this.#child.stdout.on("data", (chunk: Buffer) => {
      this.screen += chunk.toString();
      for (const one of this.#waiting) if (one.isThere()) one.done();
    });
  }

  async until(words: string | (() => boolean)): Promise<void> {
    const isThere = typeof words === "string" ? () => this.screen.includes(words) : words;
    if (!isThere()) await new Promise<void>((done) => this.#waiting.push({ isThere, done }));
  }

  /** The command's process. */
  get pid(): number {
    return Number(/^pid (\d+)/m.exec(this.screen)?.[1]);
  }

  press(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** Resizes it like a dragged window: the kernel notifies the foreground process. */
  async resize(rows: number, columns: number): Promise<void> {
    const name = /\/dev\/pts\/\d+/.exec(this.screen)?.[0] ?? "";
    this.#size = { rows, columns };
    // stty sets one after the other. A frame with the new number of rows was drawn after both.
    expect((await run("stty", ["-F", name, "cols", String(columns), "rows", String(rows)])).code).toBe(0);
    await this.until(() => this.frame().length === rows);
  }

  /** Resolves once a complete frame contains the words. */
  shows(words: string): Promise<void> {
    return this.until(() => this.frame().join("\n").includes(words));
  }

  /** The lines of the last complete frame. */
  frame(): string[] {
    const drawn =
      this.screen.slice(0, this.screen.lastIndexOf("\u001B[J\u001B[?2026l")).split("\u001B[?2026h\u001B[H").at(-1) ?? "";
    return drawn.split(/\r+\n/).map((line) => line.replaceAll("\u001B[K", ""));
  }

  /** Expects that the last frame fills the terminal and does not exceed it. */
  expectFits(): void {
    const lines = this.frame();
    expect(lines).toHaveLength(this.#size.rows);
    for (const line of lines) expect(width(line), line).toBeLessThanOrEqual(this.#size.columns);
  }

  /** The output after the command ended, from its last words on. */
  async end(): Promise<string> {
    await this.#closed;
    return this.screen.slice(this.screen.lastIndexOf("\u001B[?25h"));
  }
}

/** The cursor is shown, the normal screen and the settings are restored, and the command succeeded. */
const LEFT_AS_IT_WAS = "\u001B[?25h\u001B[?1049lsettings kept\r\nended with 0\r\n";

describe("top", () => {
  test("draws the live hive in a terminal, follows events, and restores the terminal", async () => {
    const terminal = new Terminal("hivectl top");
    await terminal.until("◆ HYPERHIVE");
    await terminal.until("scout");
    await hive.call("send", { to: "scout", body: "a word that appears" });
    await terminal.until("a word that appears");
    terminal.expectFits();
    terminal.press("q");
    expect(await terminal.end()).toBe(LEFT_AS_IT_WAS);
    expect(terminal.screen.split("\r\n")[2]?.startsWith("\u001B[?1049h\u001B[?25l")).toBe(true);
    // NO_COLOR is set in tests: the cursor moves, but there are no colours.
    expect(terminal.screen).not.toMatch(/\u001B\[\d+(?:;\d+)*m/);
  });

  test("acts on the selected row, and asks before what cannot be undone", async () => {
    const terminal = new Terminal("hivectl top", 24, 80);
    await terminal.until("? keys");
    // Press until the wanted row is marked. Each press marks another row.
    const isSelected = (what: string): boolean => terminal.frame().some((line) => line.startsWith(`▸ ${what}`));
    const marked = (): string | undefined =>
      terminal
        .frame()
        .find((line) => line.startsWith("▸ "))
        ?.slice(0, 30);
    const select = async (what: string): Promise<void> => {
      await terminal.until(() => marked() !== undefined);
      while (!isSelected(what)) {
        const before = marked();
        terminal.press("j");
        await terminal.until(() => marked() !== before);
      }
    };
    await select("scout");
    terminal.press("?");
    await terminal.until("◆ KEYS");
    terminal.press("q\r");
    await terminal.shows("◆ scout");
    expect(terminal.frame().join("\n")).toContain("looks things up");
    terminal.press("qs");
    await terminal.until("stop scout?");
    terminal.press("n");
    await terminal.until("nothing is changed");
    terminal.press("sy");
    await terminal.until("scout stopped");
    // A key acts on what the screen shows, so wait for the screen.
    const shows = (state: RegExp) => terminal.until(() => terminal.frame().some((line) => state.test(line)));
    await shows(/^▸ scout +stopped/);
    terminal.press("S");
    await terminal.until("scout started");
    await shows(/^▸ scout +(?:idle|asleep)/);
    terminal.press("p");
    await terminal.until("scout paused");
    await shows(/^▸ scout +paused/);
    terminal.press("p");
    await terminal.until("scout resumed");
    await hive.untilAgent("scout", (agent) => !agent.paused);

    const { request } = await hive.call("request_spawn", { name: "asked", description: "comes from a key" });
    await terminal.until(`#${request} pending`);
    terminal.press("a");
    await terminal.until(() => /approve #\d+\?|to the end/.test(terminal.frame().at(-1) ?? ""));
    // Read to the end of the diff.
    terminal.press("G");
    await terminal.shows(`approve #${request}?`);
    terminal.press("y");
    await hive.untilAgent("asked", (agent) => agent.running);
    // The tail runs on the normal screen. Afterwards the list is shown again.
    terminal.press("t");
    await terminal.until("tail of scout: q goes back");
    const before = terminal.screen.length;
    terminal.press("q");
    await terminal.until(() => terminal.screen.slice(before).includes("▸ scout"));
    terminal.press("q");
    expect(await terminal.end()).toBe(LEFT_AS_IT_WAS);
  });

  test.each([
    ["Ctrl-C", "\u0003"],
    ["Ctrl-D", "\u0004"],
    ["several keys at once", "jjkq"],
  ])("%s ends it", async (_name, keys) => {
    const terminal = new Terminal("hivectl top");
    await terminal.until("? keys");
    terminal.press(keys);
    expect(await terminal.end()).toBe(LEFT_AS_IT_WAS);
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("a %s from outside restores the terminal", async (signal) => {
    const terminal = new Terminal("hivectl top");
    await terminal.until("? keys");
    process.kill(terminal.pid, signal);
    expect(await terminal.end()).toBe(LEFT_AS_IT_WAS);
  });

  test("a resized terminal is redrawn, and nothing exceeds its edges", async () => {
    await hive.call("spawn", {
      name: `long-${"name".repeat(6)}`,
      description: "a description that is rather long for a small terminal",
    });
    await hive.call("send", { to: "scout", body: `a message of many words, ${"日本語 and more ".repeat(20)}` });
    const terminal = new Terminal("hivectl top", 20, 80);
    await terminal.until("? keys");
    terminal.expectFits();
    for (const [rows, columns] of [
      [30, 45],
      [9, 24],
      [3, 10],
      [1, 1],
      [45, 200],
    ] as const) {
      await terminal.resize(rows, columns);
      terminal.expectFits();
    }
    // The part that was cut on the small terminal is shown again.
    expect(terminal.frame().join("\n")).toContain(`long-${"name".repeat(6)}`);
    terminal.press("\u0003");
    expect(await terminal.end()).toBe(LEFT_AS_IT_WAS);
  });

  test("colours are for a terminal without NO_COLOR", async () => {
    const colourful = { ...env };
    delete colourful["NO_COLOR"];
    const status = (given: Record<string, string>, command: string, args: string[]): Promise<string> =>
      new Promise((resolve) => {
        const child = spawn(command, args, { env: given, stdio: ["ignore", "pipe", "inherit"] });
        let out = "";
        child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
        child.on("close", () => resolve(out));
      });
    const onTerminal = ["-qec", "stty rows 20 cols 40; hivectl status", "/dev/null"];
    const painted = await status(colourful, "script", onTerminal);
    expect(painted).toContain("\u001B[1mscout");
    expect(await status(env, "script", onTerminal)).not.toContain("\u001B[");
    expect(await status(colourful, "hivectl", ["status"])).not.toContain("\u001B[");
    // Nothing is wider than the given terminal.
    for (const line of (await status(env, "script", onTerminal)).split("\r\n"))
      expect(Array.from(line).length).toBeLessThanOrEqual(40);
  });

  test("without a terminal it names the alternatives", async () => {
    const { code } = await run("sh", ["-c", "hivectl top 2>/dev/null"]);
    expect(code).toBe(2);
  });
});
