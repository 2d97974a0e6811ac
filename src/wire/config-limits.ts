/** Limits of `agent.json` besides those of single values. docs/agents.md lists them; a test compares the two. */

/** MCP servers of one agent: each is at least one process. */
export const MAX_SERVERS = 32;
/** Arguments of one server, and characters of each. A longer command line belongs in a file of the config. */
export const MAX_SERVER_ARGS = 64;
export const MAX_ARG_CHARS = 4096;
/** Characters of a command: a path. */
export const MAX_COMMAND_CHARS = 1024;
/** Variables of one agent, and of one server. */
export const MAX_VARIABLES = 128;
/** Characters of one value. */
export const MAX_VARIABLE_CHARS = 4096;
/**
 * Bytes of all MCP servers together, as JSON. The SDK passes them to the CLI as one argument, and Linux limits an
 * argument to 128 KiB. The margin is for what the SDK adds.
 */
export const MAX_SERVERS_BYTES = 96 * 1024;
/**
 * Bytes of all variables together. Every program that the agent starts gets them in addition to its arguments, and
 * Linux limits the sum to 2 MiB (a quarter of the stack).
 */
export const MAX_ENV_BYTES = 64 * 1024;
/**
 * Rules in `tools.allow` and in `tools.deny`, and hosts in `egress`: an operator cannot read more before an approval.
 */
export const MAX_TOOL_RULES = 200;
export const MAX_EGRESS_HOSTS = 200;
/** Names in `allowedRecipients`: every agent of a full hive. */
export const MAX_RECIPIENTS = 500;
/** Mounts of one agent. Each is a kernel mount at every start of the cage. */
export const MAX_MOUNTS = 32;
/** Secrets in the environment of one agent: with the largest values they still fit beside its arguments. */
export const MAX_AGENT_SECRETS = 16;
/** API doors of one agent, and rules of each: an operator reads them all before an approval. */
export const MAX_APIS = 16;
export const MAX_API_RULES = 32;
/** Bytes of INSTRUCTIONS.md. It is part of the system prompt, so every request to the model carries it. */
export const MAX_INSTRUCTIONS_BYTES = 96 * 1024;

const MiB = 1024 * 1024;
/** Minimum and maximum of each of `limits`. Below the minimum no turn runs; above the maximum the number is a typo. */
export const CAGE_RANGES = {
  memory_mib: [256, MiB],
  cpu_percent: [5, 100_000],
  pids: [32, 100_000],
  disk_mib: [16, 64 * MiB],
} as const;
