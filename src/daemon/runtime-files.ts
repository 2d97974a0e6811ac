import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { makeRuntime, revisionOf, type RuntimeFile } from "../platforms/runtime.ts";

/** Where the built programs are: the folder of this file once it is bundled. */
const DIST = import.meta.dirname;

/** What a cage runs: Node, the CLI, the harness, and two names for it on the path. */
function runtimeFiles(claude: string): RuntimeFile[] {
  const harness = readdirSync(join(DIST, "harness"))
    .filter((name) => name.endsWith(".js"))
    .sort()
    .map((name) => ({ from: join(DIST, "harness", name), to: `harness/${name}` }));
  const names = ["hive-ag3nt", "hive-m1nd"].map((name) => ({ from: join(DIST, "bin", name), to: `bin/${name}` }));
  return [
    ...harness,
    ...names,
    { from: process.execPath, to: "bin/node", large: true },
    { from: claude, to: "bin/claude", large: true },
  ];
}

/** The program of the CLI: the one that is set, or the package's for this machine. */
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
      // Not the variant of this machine.
    }
  }
  throw new Error(
    "the Claude Code CLI is not installed for this machine: run `npm ci` in the checkout (optional packages included), or set HIVE_CLAUDE_PATH",
  );
}

/** Makes the immutable runtime folder of this build, or finds it made. */
export function openRuntime(folder: string, claude: string): { revision: string; dir: string } {
  const files = runtimeFiles(claude);
  const revision = revisionOf(files, [process.version]);
  return { revision, dir: makeRuntime(folder, revision, files) };
}
