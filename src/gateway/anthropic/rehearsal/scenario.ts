import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** A scenario: the answers of scripted agents. docs/scenarios.md explains it with examples. */

const Pattern = z
  .string()
  .max(1000)
  .check((ctx) => {
    try {
      new RegExp(ctx.value, "s");
    } catch (error) {
      ctx.issues.push({
        code: "custom",
        input: ctx.value,
        message: `not a regular expression: ${error instanceof Error ? error.message : String(error)}`,
      });
    }
  });
const VariableName = z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, "a variable name is 1 to 32 of a-z, 0-9 and '_'");
const Milliseconds = z.number().int().min(0).max(600_000);

const ToolCall = z.strictObject({
  /** Tools of the hive by their short names, such as `send`; other tools by their full names. */
  name: z.string().min(1).max(128),
  input: z.record(z.string(), z.unknown()).default({}),
  /** Only if this variable has a value. */
  if: VariableName.optional(),
  /** Only if this variable has no value. */
  unless: VariableName.optional(),
});

/** One answer of the model. */
export const Step = z.strictObject({
  think: z.string().optional(),
  say: z.string().optional(),
  tools: z.array(ToolCall).max(20).default([]),
  /** Values to capture from the results of this step's tools: the named group or the first. */
  capture: z.record(VariableName, Pattern).default({}),
  /** Pause before the answer, and between two pieces of text. */
  wait_ms: Milliseconds.default(0),
  chunk_ms: Milliseconds.default(5),
  stop_reason: z.enum(["end_turn", "tool_use", "max_tokens", "stop_sequence", "refusal"]).optional(),
  usage: z
    .strictObject({
      input: z.number().int(),
      output: z.number().int(),
      cache_read: z.number().int(),
      cache_write: z.number().int(),
    })
    .partial()
    .default({}),
  /** Headers of the answer, such as those that tell a plan's limits. */
  headers: z.record(z.string().regex(/^[a-z0-9-]{1,64}$/), z.string().max(256)).default({}),
  /** Answer with an error instead, the first `times` times. */
  error: z
    .strictObject({
      status: z.number().int().min(400).max(599),
      message: z.string().default("rehearsed"),
      headers: z.record(z.string(), z.string()).default({}),
      times: z.number().int().min(1).default(1_000_000),
    })
    .optional(),
  /** Cut the connection after this many pieces of text, the first `times` times. */
  cut: z.strictObject({ after: z.number().int().min(0).default(1), times: z.number().int().min(1).default(1) }).optional(),
  /** Never answer, the first `times` times. */
  hang: z.strictObject({ times: z.number().int().min(1).default(1) }).optional(),
});
export type Step = z.infer<typeof Step>;

export const Rule = z.strictObject({
  /** A label for people who read the file. */
  name: z.string().optional(),
  /** Agents that the rule applies to; absent: all. */
  agents: z.array(z.string()).optional(),
  when: z.strictObject({ from: Pattern.optional(), text: Pattern.optional() }).default({}),
  /** Only the first time in a hive's run. */
  once: z.boolean().default(false),
  steps: z.array(Step).min(1).max(100),
});
export type Rule = z.infer<typeof Rule>;

export const Scenario = z.strictObject({
  name: z.string().min(1).max(64),
  description: z.string().optional(),
  rules: z.array(Rule).max(1000),
});
export type Scenario = z.infer<typeof Scenario>;

/** Parses one scenario. Throws an Error that names the file and the field. */
export function parseScenario(text: string, where: string): Scenario {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${where} is not JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  const parsed = Scenario.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Error(`${where}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "does not fit"}`);
}

/** Reads a scenario file, or every .json file of a folder, sorted by name. */
export function readScenarios(path: string): Scenario[] {
  let files: string[];
  try {
    files = statSync(path).isDirectory()
      ? readdirSync(path)
          .filter((name) => name.endsWith(".json"))
          .sort()
          .map((name) => join(path, name))
      : [path];
  } catch {
    throw new Error(`HIVE_SCENARIOS: there is no file or folder ${path}`);
  }
  return files.map((file) => parseScenario(readFileSync(file, "utf8"), file));
}
