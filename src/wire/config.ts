import { z } from "zod";
import { Budget } from "./budget.ts";
import { whyReserved } from "./config-env.ts";
import {
  CAGE_RANGES,
  MAX_AGENT_SECRETS,
  MAX_ARG_CHARS,
  MAX_COMMAND_CHARS,
  MAX_EGRESS_HOSTS,
  MAX_ENV_BYTES,
  MAX_RECIPIENTS,
  MAX_SERVER_ARGS,
  MAX_SERVERS,
  MAX_SERVERS_BYTES,
  MAX_TOOL_RULES,
  MAX_VARIABLE_CHARS,
  MAX_VARIABLES,
} from "./config-limits.ts";
import { Apis } from "./config-apis.ts";
import { Mounts } from "./config-mounts.ts";
import {
  distinct,
  EgressHost,
  EnvName,
  ModelName,
  ProgramText,
  RecipientName,
  ServerName,
  strict,
  ToolRule,
} from "./config-values.ts";
import { Repos } from "./config-repos.ts";
import { MAX_NOTE_CHARS } from "./limits.ts";
import { loosen } from "./loosen.ts";
import { CredentialName } from "./names.ts";
import { SecretName } from "./secrets.ts";

/** Tools that `tools.allow` cannot allow: sessions could use them to bypass the broker. */
export const NEVER_ALLOWED: readonly string[] = ["SendMessage", "ListAgents"];

const bytesOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;
const Variables = z
  .record(EnvName, ProgramText.max(MAX_VARIABLE_CHARS))
  .refine((env) => Object.keys(env).length <= MAX_VARIABLES, `at most ${MAX_VARIABLES} variables fit`)
  .refine((env) => bytesOf(env) <= MAX_ENV_BYTES, `all variables together may have ${MAX_ENV_BYTES} bytes`);
/** Variables of the CLI. Those that would turn the CLI into another program are reserved. */
const CliVariables = Variables.superRefine((env, context) => {
  for (const name of Object.keys(env)) {
    const why = whyReserved(name);
    if (why !== undefined)
      context.addIssue({
        code: "custom",
        path: [name],
        message: `this variable is reserved: it ${why}. Remove it, or set it in a program of the config`,
      });
  }
});
/** An MCP server that runs inside the cage and appears as `mcp__<name>__<tool>`. */
export const ExtraMcpServer = strict({
  command: ProgramText.max(MAX_COMMAND_CHARS).refine((command) => command.trim() !== "", "a command is a path or a name"),
  args: z.array(ProgramText.max(MAX_ARG_CHARS)).max(MAX_SERVER_ARGS).default([]),
  env: Variables.default({}),
  /** The harness runs and supervises the server for the life of the cage. Such a cage never sleeps. */
  resident: z.boolean().default(false),
});
export type ExtraMcpServer = z.infer<typeof ExtraMcpServer>;

const MiB = 1024 * 1024;
const amount = (key: keyof typeof CAGE_RANGES) => z.number().int().min(CAGE_RANGES[key][0]).max(CAGE_RANGES[key][1]);

/** What one cage may use. The defaults fit the CLI (200 to 350 MiB), its tools and one compiler. */
export const CageLimits = strict({
  memory_mib: amount("memory_mib").default(2048),
  cpu_percent: amount("cpu_percent").default(200),
  pids: amount("pids").default(512),
  disk_mib: amount("disk_mib").default(10 * 1024),
});

const CLI_WORDS = 'the one CLI is "claude"; options of the CLI do not exist, so nothing would pass them on';
/** A secret that the agent gets as a variable of the same name. */
const DeliveredSecret = SecretName.superRefine((name, context) => {
  const why = whyReserved(name);
  if (why !== undefined)
    context.addIssue({
      code: "custom",
      message: `a secret becomes a variable of its name, and this one is reserved: it ${why}. Keep the secret under another name`,
    });
});

/**
 * `agent.json` under the rules for new requests: the portable part of an agent's config, the same for every driver.
 * Unknown keys are an error.
 */
export const AgentConfig = strict({
  model: ModelName.default("sonnet"),
  description: ProgramText.max(MAX_NOTE_CHARS).default(""),
  /** If absent, the agent may send to all agents. Manager and operator are always reachable. */
  allowedRecipients: distinct(RecipientName, MAX_RECIPIENTS).optional(),
  extraMcpServers: z
    .record(ServerName, ExtraMcpServer)
    .refine((servers) => !("hive" in servers), "the server name hive is taken")
    .refine((servers) => Object.keys(servers).length <= MAX_SERVERS, `at most ${MAX_SERVERS} servers fit`)
    .refine(
      (servers) => bytesOf(servers) <= MAX_SERVERS_BYTES,
      `all servers together may have ${MAX_SERVERS_BYTES} bytes: put long arguments into a file of the config`,
    )
    .default({}),
  tools: strict({
    allow: distinct(
      ToolRule.refine(
        (rule) => !NEVER_ALLOWED.includes(rule.replace(/\(.*/s, "")),
        "agents talk through the tools of the hive only",
      ),
      MAX_TOOL_RULES,
    ).default([]),
    deny: distinct(ToolRule, MAX_TOOL_RULES).default([]),
  }).default({ allow: [], deny: [] }),
  egress: distinct(EgressHost, MAX_EGRESS_HOSTS).default([]),
  env: CliVariables.default({}),
  /** Secrets of the hive that the agent reads in its environment, as variables of their names. */
  secrets: distinct(DeliveredSecret, MAX_AGENT_SECRETS).default([]),
  /** APIs that its programs call through the hive, which adds the secret: `$HIVE_API_<NAME>`. */
  apis: Apis.default({}),
  limits: CageLimits.default({ memory_mib: 2048, cpu_percent: 200, pids: 512, disk_mib: 10 * 1024 }),
  /** What the agent may spend. The operator's own limits come before these. Absent: the hive's default. */
  budget: Budget.optional(),
  /** The credential of the hive with which the model is asked. Absent: the hive's own. */
  credential: CredentialName.optional(),
  mounts: Mounts.default([]),
  /** Repositories of the hive that the agent works on, each at /work/<name>. The first is its working folder. */
  repos: Repos.default([]),
  /** The program in the runtime that runs the turns. */
  cli: z.literal("claude", CLI_WORDS).default("claude"),
}).superRefine(({ env, secrets }, context) => {
  const at = secrets.findIndex((name) => Object.hasOwn(env, name));
  if (at >= 0)
    context.addIssue({ code: "custom", path: ["secrets", at], message: "env sets the same variable: remove one of the two" });
});
export type AgentConfig = z.infer<typeof AgentConfig>;

/**
 * The config that an agent runs with: the types of `AgentConfig` without the rules on values, which may be newer than
 * the deploy.
 */
export const DeployedConfig = loosen(AgentConfig) as z.ZodType<AgentConfig>;

/** The memory limit of a config, in bytes. */
export function memoryBytes(config: AgentConfig): number {
  return config.limits.memory_mib * MiB;
}
