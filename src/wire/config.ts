import { z } from "zod";
import { Mounts } from "./config-mounts.ts";
import { distinct, EgressHost, EnvName, ModelName, ProgramText, RecipientName, ServerName, ToolRule } from "./config-values.ts";
import { MAX_NOTE_CHARS } from "./limits.ts";
import { loosen } from "./loosen.ts";

/** Variables that steer the CLI, the loader or our own harness are not the agent's to set. */
const ForbiddenEnv =
  /^(?:ANTHROPIC_|CLAUDE|HIVE_|LD_|NODE_|NPM_|PATH$|HOME$|SHELL$|TMPDIR$|HTTPS?_PROXY$|NO_PROXY$|IS_SANDBOX$|MCP_TIMEOUT$|DISABLE_AUTOUPDATER$)/;
/** MCP servers of one agent: each is at least one process. */
const MAX_SERVERS = 32;
/** Variables of one agent, and of one server. */
const MAX_VARIABLES = 128;
/**
 * Bytes of all MCP servers together, as JSON: the SDK hands them to the CLI as one argument, and Linux takes 128 KiB for
 * one. The rest is for what the SDK adds.
 */
const MAX_SERVERS_BYTES = 96 * 1024;
/**
 * Bytes of all variables together. Every program that the agent starts gets them beside its own arguments, and Linux
 * takes 2 MiB for both (a quarter of the stack).
 */
const MAX_ENV_BYTES = 64 * 1024;
/** Tools that `tools.allow` cannot allow: sessions could talk past the broker by them. */
export const NEVER_ALLOWED: readonly string[] = ["SendMessage", "ListAgents"];

const bytesOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;
const Variables = z
  .record(EnvName, ProgramText.max(4096))
  .refine((env) => Object.keys(env).length <= MAX_VARIABLES, `at most ${MAX_VARIABLES} variables fit`)
  .refine((env) => bytesOf(env) <= MAX_ENV_BYTES, `all variables together may have ${MAX_ENV_BYTES} bytes`);
/** An MCP server that runs inside the cage and appears as `mcp__<name>__<tool>`. */
export const ExtraMcpServer = z.strictObject({
  command: ProgramText.max(1024).refine((command) => command.trim() !== "", "a command is a path or a name"),
  args: z.array(ProgramText.max(4096)).max(64).default([]),
  env: Variables.default({}),
  /** Run and supervised by the harness for as long as the cage lives; such a cage never sleeps. */
  resident: z.boolean().default(false),
});
export type ExtraMcpServer = z.infer<typeof ExtraMcpServer>;

const MiB = 1024 * 1024;

/** What one cage may use. Defaults hold the CLI (200 to 350 MiB), its tools and one compiler. */
export const CageLimits = z.strictObject({
  memory_mib: z
    .number()
    .int()
    .min(256)
    .max(1024 * 1024)
    .default(2048),
  cpu_percent: z.number().int().min(5).max(100_000).default(200),
  pids: z.number().int().min(32).max(100_000).default(512),
  disk_mib: z
    .number()
    .int()
    .min(16)
    .max(64 * 1024 * 1024)
    .default(10 * 1024),
});

const CLI_WORDS = 'the one CLI is "claude"; options of the CLI do not exist, so nothing would pass them on';
/** Keys that were granted once and that nothing implements: why each is refused. */
const REFUSED_KEYS: Readonly<Record<string, string>> = {
  secrets: "the store of secrets does not exist yet, so nothing would deliver them; remove the key",
};

function unknownKeyWords(issue: { code?: string; keys?: string[] }): string | undefined {
  if (issue.code !== "unrecognized_keys") return undefined;
  const refused = issue.keys?.find((key) => Object.hasOwn(REFUSED_KEYS, key));
  return refused === undefined ? undefined : `${refused}: ${REFUSED_KEYS[refused]}`;
}

/**
 * `agent.json` under the rules for new requests: the portable part of an agent's config, the same on every driver.
 * Unknown keys are an error.
 */
export const AgentConfig = z.strictObject(
  {
    model: ModelName.default("sonnet"),
    description: ProgramText.max(MAX_NOTE_CHARS).default(""),
    /** Absent: may send to anyone. Manager and operator are always reachable. */
    allowedRecipients: distinct(RecipientName, 500).optional(),
    extraMcpServers: z
      .record(ServerName, ExtraMcpServer)
      .refine((servers) => !("hive" in servers), "the server name hive is taken")
      .refine((servers) => Object.keys(servers).length <= MAX_SERVERS, `at most ${MAX_SERVERS} servers fit`)
      .refine(
        (servers) => bytesOf(servers) <= MAX_SERVERS_BYTES,
        `all servers together may have ${MAX_SERVERS_BYTES} bytes: put long arguments into a file of the config`,
      )
      .default({}),
    tools: z
      .strictObject({
        allow: distinct(
          ToolRule.refine(
            (rule) => !NEVER_ALLOWED.includes(rule.replace(/\(.*/s, "")),
            "agents talk through the tools of the hive only",
          ),
          200,
        ).default([]),
        deny: distinct(ToolRule, 200).default([]),
      })
      .default({ allow: [], deny: [] }),
    egress: distinct(EgressHost, 200).default([]),
    env: Variables.refine(
      (env) => !Object.keys(env).some((name) => ForbiddenEnv.test(name)),
      "one of these variables is reserved",
    ).default({}),
    limits: CageLimits.default({ memory_mib: 2048, cpu_percent: 200, pids: 512, disk_mib: 10 * 1024 }),
    mounts: Mounts.default([]),
    /** The program in the runtime that runs the turns. */
    cli: z.literal("claude", CLI_WORDS).default("claude"),
  },
  { error: unknownKeyWords },
);
export type AgentConfig = z.infer<typeof AgentConfig>;

/** What an agent runs with: the types of `AgentConfig` without the rules on values, which may be newer than a deploy. */
export const DeployedConfig = loosen(AgentConfig) as z.ZodType<AgentConfig>;

/** Bytes of memory from a config. */
export function memoryBytes(config: AgentConfig): number {
  return config.limits.memory_mib * MiB;
}
