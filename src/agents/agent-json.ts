import { z } from "zod";
import { NO_JSON, parseStrictObject } from "../rpc/json.ts";
import { AgentConfig, DeployedConfig } from "../wire/config.ts";
import { schemaComplaint } from "../wire/error.ts";

/** The file that every driver reads. */
export const CONFIG_FILE = "agent.json";
/** At most this many broken rules of one config are reported. One more line gives the number of the others. */
const MAX_COMPLAINTS = 5;

/** Keys that older versions accepted but did not implement. They are dropped from a deployed config, with a warning. */
const FormerKeys = z.looseObject({
  cli: z
    .union([z.literal("claude"), z.strictObject({ name: z.literal("claude"), options: z.record(z.string(), z.unknown()) })])
    .optional(),
});

/** The config of an agent whose deployed `agent.json` cannot be read. It grants nothing. No cage starts with it. */
export const NOTHING_GRANTED: AgentConfig = AgentConfig.parse({ model: "none", allowedRecipients: [] });

/** Reads the `agent.json` of a new request by the current rules. */
export function parseRequested(text: string): { config: AgentConfig } | { complaints: string[] } {
  let value: unknown;
  try {
    // With a duplicate key, the reader of the diff could see one value while the hive uses another.
    value = parseStrictObject(text);
  } catch (error) {
    const message = messageOf(error);
    const complaint = message === NO_JSON ? (jsonFault(text) ?? message) : message.replace("a request is", "it has to be");
    return { complaints: [`${CONFIG_FILE} does not fit: ${complaint}`] };
  }
  const parsed = AgentConfig.safeParse(value);
  if (parsed.success) return { config: parsed.data };
  return { complaints: limited(complaintsOf(parsed.error, value)).map((words) => `${CONFIG_FILE} does not fit: ${words}`) };
}

/**
 * Reads `agent.json` as it was deployed. A value that only breaks a current rule is kept, with a warning. `unreadable`
 * says why the config cannot be read: it is not JSON, a value has the wrong type, or a key is unknown. An unknown key
 * may be a restriction of another version, so no defaults are used for such a config.
 */
export function parseDeployed(text: string): { config: AgentConfig; warnings: string[] } | { unreadable: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { unreadable: `${CONFIG_FILE} cannot be read: ${messageOf(error)}` };
  }
  const former = FormerKeys.safeParse(value);
  if (!former.success) return { unreadable: `${CONFIG_FILE} cannot be read: ${schemaComplaint(former.error, value)}` };
  const { cli = "claude", ...rest } = former.data;
  const parsed = DeployedConfig.safeParse(rest);
  if (!parsed.success) return { unreadable: `${CONFIG_FILE} cannot be read: ${schemaComplaint(parsed.error, rest)}` };

  const warnings = [
    ...(typeof cli === "object" && Object.keys(cli.options).length > 0 ? ["cli.options have no effect"] : []),
    ...broken(rest),
  ];
  return { config: parsed.data, warnings: limited(warnings).map((words) => `${CONFIG_FILE}: ${words}`) };
}

/** The current rules that a readable config breaks. */
function broken(value: unknown): string[] {
  const strict = AgentConfig.safeParse(value);
  if (strict.success) return [];
  return complaintsOf(strict.error, value).map((words) => `${words} (accepted when it was deployed; a new request is refused)`);
}

function complaintsOf(error: z.ZodError, value: unknown): string[] {
  return error.issues.map((issue) => schemaComplaint(new z.ZodError([issue]), value));
}

function limited(list: string[]): string[] {
  if (list.length <= MAX_COMPLAINTS) return list;
  return [...list.slice(0, MAX_COMPLAINTS), `${list.length - MAX_COMPLAINTS} more rules are broken`];
}

/** Describes the JSON syntax error of a text; undefined if the text is JSON. */
function jsonFault(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return `this is not JSON: ${messageOf(error)}`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
