import { spawn } from "node:child_process";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestHive, cleanEnv } from "../lib/hive.ts";

/** hivectl where it meets a terminal and a shell: completion in a real bash, `top` on a real pseudo-terminal. */

const HIVECTL = join(import.meta.dirname, "../../dist/hivectl.js");

let hive: TestHive;
let env: Record<string, string>;
beforeAll(async () => {
  hive = await new TestHive().start();
  await hive.call("spawn", { name: "scout", description: "looks things up" });
  // As it would be installed: a program on the path.
  const program = join(hive.folder, "hivectl");
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${HIVECTL}" "$@"\n`);
  chmodSync(program, 0o755);
  env = cleanEnv({ HIVE_STATE_DIR: hive.stateDir, PATH: `${hive.folder}:${process.env["PATH"] ?? ""}`, TERM: "xterm" });
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
  /** What bash offers for a line with the cursor at its end; `replaced` is the word that it would replace. */
  async function offered(line: string, replaced = line.split(" ").at(-1) ?? ""): Promise<string[]> {
    const script = `set -u; source <(hivectl completion bash); COMP_LINE="$1"; COMP_POINT=\${#1}; _hivectl hivectl "$2" x; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { out } = await run("bash", ["--norc", "-c", script, "bash", line, replaced]);
    return out.split("\n").filter((word) => word !== "");
  }

  test("verbs, by what is written of them", async () => {
    expect(await offered("hivectl sta")).toEqual(["status", "start"]);
    expect(await offered("hivectl __")).toEqual([]);
  });

  test("names of agents that live, once each, with an @ where one was written", async () => {
    expect(await offered("hivectl tail ")).toEqual(["hm1nd", "scout"]);
    expect(await offered("hivectl pause hm1nd ")).toEqual(["scout"]);
    expect(await offered("hivectl send @sc")).toEqual(["@scout"]);
    expect(await offered("hivectl send @sc", "sc")).toEqual(["scout"]);
    expect(await offered("hivectl tail scout ")).toEqual([]);
    await hive.call("spawn", { name: "newcomer" });
    expect(await offered("hivectl tail n")).toEqual(["newcomer"]);
  });

  test("options, their values, and files where a file is wanted", async () => {
    expect(await offered("hivectl approve --s")).toEqual(["--sha", "--socket"]);
    expect(await offered("hivectl spawn x --model h")).toEqual(["haiku"]);
    expect(await offered(`hivectl spawn x --config ${hive.folder}/hivec`)).toEqual([`${hive.folder}/hivectl`]);
    expect(await offered(`hivectl --socket /nowhere tail `)).toEqual([]);
  });

  test("each shell's script is one that it reads", async () => {
    const readers = { bash: "/bin/bash", zsh: "/usr/bin/zsh", fish: "/usr/bin/fish" };
    for (const [name, program] of Object.entries(readers)) {
      const { code, out } = await run("hivectl", ["completion", name]);
      expect(code).toBe(0);
      expect(out).toContain("__complete --");
      const file = join(hive.folder, `completion.${name}`);
      writeFileSync(file, out);
      // Not every machine has every shell.
      if (existsSync(program)) expect((await run(program, ["-n", file])).code, name).toBe(0);
    }
    expect((await run("hivectl", ["completion", "tcsh"])).code).toBe(2);
  });
});

describe("top", () => {
  test("draws the living hive in a terminal, follows what happens, and leaves the terminal as it was", async () => {
    const child = spawn("script", ["-qec", "stty rows 20 cols 80; hivectl top", "/dev/null"], {
      env,
      stdio: ["pipe", "pipe", "inherit"],
    });
    let screen = "";
    const heard: { words: string; done(): void }[] = [];
    child.stdout.on("data", (chunk: Buffer) => {
      screen += chunk.toString();
      for (const one of heard) if (screen.includes(one.words)) one.done();
    });
    const until = (words: string): Promise<void> =>
      screen.includes(words) ? Promise.resolve() : new Promise((done) => heard.push({ words, done }));
    const ended = new Promise((resolve) => child.once("close", resolve));
    await until("◆ HYPERHIVE");
    await until("scout");
    await hive.call("send", { to: "scout", body: "a word that appears" });
    await until("a word that appears");
    child.stdin.write("q");
    expect(await ended).toBe(0);
    expect(screen.startsWith("\u001B[?1049h\u001B[?25l")).toBe(true);
    expect(screen.endsWith("\u001B[?25h\u001B[?1049l")).toBe(true);
    // NO_COLOR is set in tests: the screen is moved about on, but not coloured.
    expect(screen).not.toMatch(/\u001B\[\d+(?:;\d+)*m/);
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
    // Nothing is wider than the terminal that was given.
    for (const line of (await status(env, "script", onTerminal)).split("\r\n"))
      expect(Array.from(line).length).toBeLessThanOrEqual(40);
  });

  test("without a terminal it says what else there is", async () => {
    const { code } = await run("sh", ["-c", "hivectl top 2>/dev/null"]);
    expect(code).toBe(2);
  });
});
