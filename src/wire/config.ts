import { z } from "zod";
import { MAX_NOTE_CHARS } from "./limits.ts";
import { loosen } from "./loosen.ts";

const ServerName = z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, "a server name is 1 to 32 of a-z, 0-9, '_' and '-'");
const EnvName = z.string().regex(/^[A-Z_][A-Z0-9_]{0,63}$/, "an environment name is 1 to 64 of A-Z, 0-9 and '_'");
/** Variables that steer the CLI, the loader or our own harness are not the agent's to set. */
const ForbiddenEnv = /^(?:ANTHROPIC_|CLAUDE|HIVE_|LD_|NODE_|NPM_|PATH$|HOME$|TMPDIR$|HTTPS?_PROXY$|NO_PROXY$|IS_SANDBOX$)/;
const Host = z
  .string()
  .regex(/^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::\d{1,5})?$/, "a host is name or name:port, lower case");

/** An MCP server that runs inside the cage and appears as `mcp__<name>__<tool>`. */
export const ExtraMcpServer = z.strictObject({
  command: z.string().min(1).max(1024),
  args: z.array(z.string().max(4096)).max(64).default([]),
  env: z.record(EnvName, z.string().max(4096)).default({}),
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
    model: z.string().min(1).max(128).default("sonnet"),
    description: z.string().max(MAX_NOTE_CHARS).default(""),
    /** Absent: may send to anyone. Manager and operator are always reachable. */
    allowedRecipients: z.array(z.string().min(1).max(64)).max(500).optional(),
    extraMcpServers: z
      .record(ServerName, ExtraMcpServer)
      .refine((servers) => !("hive" in servers), "the server name hive is taken")
      .default({}),
    tools: z
      .strictObject({
        allow: z.array(z.string().min(1).max(256)).max(200).default([]),
        deny: z.array(z.string().min(1).max(256)).max(200).default([]),
      })
      .default({ allow: [], deny: [] }),
    egress: z.array(Host).max(200).default([]),
    env: z
      .record(EnvName, z.string().max(4096))
      .refine((env) => !Object.keys(env).some((name) => ForbiddenEnv.test(name)), "one of these variables is reserved")
      .default({}),
    limits: CageLimits.default({ memory_mib: 2048, cpu_percent: 200, pids: 512, disk_mib: 10 * 1024 }),
    mounts: z
      .array(
        z.strictObject({
          host: z.string().startsWith("/"),
          cage: z.string().startsWith("/"),
          mode: z.enum(["ro", "rw"]).default("ro"),
        }),
      )
      .max(32)
      .default([]),
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
