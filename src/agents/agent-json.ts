import { z } from "zod";
import { NO_JSON, parseStrictObject } from "../rpc/json.ts";
import { AgentConfig, DeployedConfig } from "../wire/config.ts";
import { schemaComplaint } from "../wire/error.ts";

/** The file that every driver reads. */
export const CONFIG_FILE = "agent.json";
/** Broken rules of one config that are told, each in words. One line more says how many others there are. */
const MAX_WORDS = 5;

/** Keys that older versions accepted and nothing implemented. They are dropped from a deployed config, with a warning. */
const FormerKeys = z.looseObject({
  secrets: z.array(z.string()).optional(),
  cli: z
    .union([z.literal("claude"), z.strictObject({ name: z.literal("claude"), options: z.record(z.string(), z.unknown()) })])
    .optional(),
});

/** The config of an agent whose deployed `agent.json` cannot be read. It grants nothing, and no cage starts with it. */
export const NOTHING_GRANTED: AgentConfig = AgentConfig.parse({ model: "none", allowedRecipients: [] });

/** Reads `agent.json` of a new request, by the rules of today. */
export function parseRequested(text: string): { config: AgentConfig } | { complaints: string[] } {
  let value: unknown;
  try {
    // Two equal keys would be one config to the reader of the diff and another to the hive.
    value = parseStrictObject(text);
  } catch (error) {
    const refusal = wordsOf(error);
    const words = refusal === NO_JSON ? (jsonFault(text) ?? refusal) : refusal.replace("a request is", "it has to be");
    return { complaints: [`${CONFIG_FILE} does not fit: ${words}`] };
  }
  const parsed = AgentConfig.safeParse(value);
  if (parsed.success) return { config: parsed.data };
  return { complaints: limited(issueWords(parsed.error, value)).map((words) => `${CONFIG_FILE} does not fit: ${words}`) };
}

/**
 * Reads `agent.json` as it was deployed. What breaks a rule of today only is kept, with a warning. `unreadable` says why
 * a config cannot be read: it is not JSON, a value has another type, or a key is unknown, which may be a restriction of
 * another version. There are no defaults for such a config.
 */
export function parseDeployed(text: string): { config: AgentConfig; warnings: string[] } | { unreadable: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { unreadable: `${CONFIG_FILE} cannot be read: ${wordsOf(error)}` };
  }
  const former = FormerKeys.safeParse(value);
  if (!former.success) return { unreadable: `${CONFIG_FILE} cannot be read: ${schemaComplaint(former.error, value)}` };
  const { secrets = [], cli = "claude", ...rest } = former.data;
  const parsed = DeployedConfig.safeParse(rest);
  if (!parsed.success) return { unreadable: `${CONFIG_FILE} cannot be read: ${schemaComplaint(parsed.error, rest)}` };

  const warnings = [
    ...(secrets.length > 0 ? [`secrets (${secrets.join(", ")}) are not delivered: the store of secrets does not exist yet`] : []),
    ...(typeof cli === "object" && Object.keys(cli.options).length > 0 ? ["cli.options have no effect"] : []),
    ...broken(rest),
  ];
  return { config: parsed.data, warnings: limited(warnings).map((words) => `${CONFIG_FILE}: ${words}`) };
}

/** The rules of today that a readable config breaks. */
function broken(value: unknown): string[] {
  const strict = AgentConfig.safeParse(value);
  if (strict.success) return [];
  return issueWords(strict.error, value).map((words) => `${words} (accepted when it was deployed; a new request is refused)`);
}

function issueWords(error: z.ZodError, value: unknown): string[] {
  return error.issues.map((issue) => schemaComplaint(new z.ZodError([issue]), value));
}

function limited(list: string[]): string[] {
  if (list.length <= MAX_WORDS) return list;
  return [...list.slice(0, MAX_WORDS), `${list.length - MAX_WORDS} more rules are broken`];
}

/** Where a text stops being JSON; undefined where it is JSON. */
function jsonFault(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return `this is not JSON: ${wordsOf(error)}`;
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
