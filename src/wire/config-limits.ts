/** Limits of `agent.json` beside those of single values. docs/agents.md lists them; a test compares the two. */

/** MCP servers of one agent: each is at least one process. */
export const MAX_SERVERS = 32;
/** Arguments of one server, and characters of each: what a command line in a file of the config replaces. */
export const MAX_SERVER_ARGS = 64;
export const MAX_ARG_CHARS = 4096;
/** Characters of a command: a path. */
export const MAX_COMMAND_CHARS = 1024;
/** Variables of one agent, and of one server. */
export const MAX_VARIABLES = 128;
/** Characters of one value. */
export const MAX_VARIABLE_CHARS = 4096;
/**
 * Bytes of all MCP servers together, as JSON: the SDK hands them to the CLI as one argument, and Linux takes 128 KiB for
 * one. The rest is for what the SDK adds.
 */
export const MAX_SERVERS_BYTES = 96 * 1024;
/**
 * Bytes of all variables together. Every program that the agent starts gets them beside its own arguments, and Linux
 * takes 2 MiB for both (a quarter of the stack).
 */
export const MAX_ENV_BYTES = 64 * 1024;
/** Rules in `tools.allow` and in `tools.deny`, and hosts in `egress`: more cannot be read before an approval. */
export const MAX_TOOL_RULES = 200;
export const MAX_EGRESS_HOSTS = 200;
/** Names in `allowedRecipients`: every agent of a full hive. */
export const MAX_RECIPIENTS = 500;
/** Mounts of one agent. Each is a mount in the kernel, for every start of the cage. */
export const MAX_MOUNTS = 32;
/** Bytes of INSTRUCTIONS.md: it is a part of the system prompt, so each request to the model carries it. */
export const MAX_INSTRUCTIONS_BYTES = 96 * 1024;

const MiB = 1024 * 1024;
/** The least and the most of each of `limits`. Below the least no turn runs; above the most a number is a slip. */
export const CAGE_RANGES = {
  memory_mib: [256, MiB],
  cpu_percent: [5, 100_000],
  pids: [32, 100_000],
  disk_mib: [16, 64 * MiB],
} as const;
