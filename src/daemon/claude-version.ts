import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { run } from "../os/run.ts";
import type { Finding } from "./checks.ts";
import { findClaude } from "./runtime-files.ts";

/** How long `claude --version` may take: it starts in under 2 s on a slow machine. Milliseconds. */
const VERSION_MS = 20_000;
const VERSION = /^(\d+)\.(\d+)\.(\d+)\b/;

/** Checks that the CLI runs and is not older than the one that its SDK is made for. `home` is where it may write. */
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

/** What a CLI that says this of its version is worth to an SDK that is made for `wanted`. */
export function judgeClaude(program: string, said: string | undefined, wanted: string): Finding {
  const mend = `name a CLI of version ${wanted} or newer in HIVE_CLAUDE_PATH, or unset it`;
  const version = VERSION.exec(said ?? "");
  if (!version) return { level: "error", what: `${program} does not say its version`, mend };
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

/** The version of the CLI that the SDK is made for, as its package says. */
function sdkVersion(): string {
  const sdk = dirname(createRequire(import.meta.url).resolve("@anthropic-ai/claude-agent-sdk"));
  const { claudeCodeVersion } = JSON.parse(readFileSync(join(sdk, "package.json"), "utf8")) as { claudeCodeVersion: string };
  return claudeCodeVersion;
}
