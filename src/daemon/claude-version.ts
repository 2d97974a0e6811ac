import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { run } from "../os/run.ts";
import type { Finding } from "./checks.ts";
import { findClaude } from "./runtime-files.ts";

/** The time limit of `claude --version`. It starts in under 2 s on a slow machine. Milliseconds. */
const VERSION_MS = 20_000;
const VERSION = /^(\d+)\.(\d+)\.(\d+)\b/;

/**
 * Checks that the CLI runs and that it is not older than the version its SDK is made for. The CLI may write to `home`.
 */
export async function checkClaude(configured: string | undefined, path: string, home: string): Promise<Finding> {
  let program: string;
  try {
    program = findClaude(configured);
  } catch (error) {
    const mend = configured === undefined ? "npm ci" : "set HIVE_CLAUDE_PATH to the CLI's program, or unset it";
    return { level: "error", what: error instanceof Error ? error.message : String(error), mend };
  }
  const { code, stdout } = await run(program, ["--version"], {
    env: { PATH: path, HOME: home },
    cwd: home,
    timeoutMs: VERSION_MS,
  });
  return judgeClaude(program, code === 0 ? stdout : undefined, sdkVersion());
}

/** Judges the output of `claude --version`. An SDK made for version `wanted` needs that one or a newer one. */
export function judgeClaude(program: string, output: string | undefined, wanted: string): Finding {
  const mend = `name a CLI of version ${wanted} or newer in HIVE_CLAUDE_PATH, or unset it`;
  const version = VERSION.exec(output ?? "");
  if (!version) return { level: "error", what: `${program} does not print its version`, mend };
  const [own] = version;
  if (isOlder(version, VERSION.exec(wanted)))
    return { level: "error", what: `Claude Code ${own} (${program}) is older than ${wanted}, which the SDK needs`, mend };
  return { level: "ok", what: `Claude Code ${own}`, mend: "" };
}

function isOlder(one: RegExpExecArray, other: RegExpExecArray | null): boolean {
  for (const part of [1, 2, 3]) {
    const difference = Number(one[part]) - Number(other?.[part]);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** The CLI version that the SDK's package says it is made for. */
function sdkVersion(): string {
  const sdk = dirname(createRequire(import.meta.url).resolve("@anthropic-ai/claude-agent-sdk"));
  const { claudeCodeVersion } = JSON.parse(readFileSync(join(sdk, "package.json"), "utf8")) as { claudeCodeVersion: string };
  return claudeCodeVersion;
}
