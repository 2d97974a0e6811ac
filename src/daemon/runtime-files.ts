import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { READER_FILE } from "../files/reader-program.ts";
import { makeRuntime, revisionOf, type RuntimeFile } from "../platforms/runtime.ts";

/** The folder of the built programs. It is the folder of this file once it is bundled. */
const DIST = import.meta.dirname;

/** The harness: what Node starts, its scripts, and their compiled code. */
const HARNESS_FILE = /\.c?js(?:\.cache)?$/;

/** The files that a cage runs: Node, the CLI, the harness, two names for the harness on the path, and the reader of files. */
function runtimeFiles(claude: string): RuntimeFile[] {
  const harness = readdirSync(join(DIST, "harness"), { recursive: true, encoding: "utf8" })
    .filter((name) => HARNESS_FILE.test(name))
    .sort()
    .map((name) => ({ from: join(DIST, "harness", name), to: `harness/${name}` }));
  const names = ["hive-ag3nt", "hive-m1nd"].map((name) => ({ from: join(DIST, "bin", name), to: `bin/${name}` }));
  return [
    ...harness,
    ...names,
    { from: join(DIST, READER_FILE), to: READER_FILE },
    { from: process.execPath, to: "bin/node", large: true },
    { from: claude, to: "bin/claude", large: true },
  ];
}

/** The CLI's program: the configured one, or the package's for this machine. */
export function findClaude(configured: string | undefined): string {
  if (configured !== undefined) {
    if (!existsSync(configured)) throw new Error(`HIVE_CLAUDE_PATH: there is no file ${configured}`);
    return configured;
  }
  const require = createRequire(import.meta.url);
  for (const suffix of ["", "-musl"]) {
    try {
      const manifest = require.resolve(
        `@anthropic-ai/claude-agent-sdk-${process.platform}-${process.arch}${suffix}/package.json`,
      );
      const program = join(dirname(manifest), "claude");
      if (existsSync(program)) return program;
    } catch {
      // This variant is not installed.
    }
  }
  throw new Error(
    "the Claude Code CLI is not installed for this machine: run `npm ci` in the checkout (optional packages included), or set HIVE_CLAUDE_PATH",
  );
}

/** Opens the immutable runtime folder of this build. Creates it if it does not exist. */
export function openRuntime(folder: string, claude: string): { revision: string; dir: string } {
  const files = runtimeFiles(claude);
  const revision = revisionOf(files, [process.version]);
  return { revision, dir: makeRuntime(folder, revision, files) };
}
