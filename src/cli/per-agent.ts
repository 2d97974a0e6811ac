import type { Output } from "../wire/operations.ts";
import { EXIT, Failure, failureOf, isConnectionLost, UsageError, wordsOf } from "./exit.ts";
import { clean } from "./print.ts";
import { meantAgent, type Shell } from "./shell.ts";

export type Result = Output<"start">["results"][number];

/** The scope of a verb for several agents: names, or all. */
export interface ScopeOptions {
  all?: boolean;
}

/** Requires names or --all. Throws the text for the usage line. */
export function checkScope(names: readonly string[], { all }: ScopeOptions): void {
  if (names.length === 0 && all !== true) throw new UsageError("name the agents, or say --all");
  if (names.length > 0 && all === true) throw new UsageError("name the agents or say --all, not both");
}

/** The scope in the contract's form. */
export function scopeOf(names: string[], options: ScopeOptions): { all: true } | { agent_names: string[] } {
  checkScope(names, options);
  return options.all === true ? { all: true } : { agent_names: names };
}

/** Does one thing for each agent, regardless of earlier failures. The failure of a single agent is thrown unchanged. */
export async function forEachAgent(
  shell: Shell,
  names: readonly string[],
  options: ScopeOptions,
  done: string,
  run: (name: string) => Promise<object>,
): Promise<void> {
  await showResults(shell, await resultsOf(shell, names, options, run), done);
}

/** Collects the result for each agent. */
export async function resultsOf(
  shell: Shell,
  names: readonly string[],
  options: ScopeOptions,
  run: (name: string) => Promise<object>,
): Promise<Result[]> {
  checkScope(names, options);
  const scope = options.all === true ? (await shell.client.call("list", {})).agents : names;
  const results: Result[] = [];
  for (const name of scope) {
    try {
      results.push({ name, ok: true, ...(await run(name)) });
    } catch (error) {
      if (scope.length === 1) throw error;
      // The other agents have lost the hive as well.
      if (isConnectionLost(error)) throw failureOf(error, { results });
      results.push({ name, ok: false, error: wordsOf(error) });
    }
  }
  return results;
}

/**
 * Prints the result for each agent. If some failed, the failure names each of them. If one agent was named alone, its
 * failure is an ordinary refusal.
 */
export async function showResults(
  shell: Shell,
  results: readonly Result[],
  done: string,
  names: readonly string[] = [],
): Promise<void> {
  const failed = results.filter((one) => !one.ok);
  if (failed.length === 0) return shell.show({ results }, () => results.map((one) => `${one.name} ${done}`).join("\n"));
  const reasons = await Promise.all(failed.map((one) => reasonOf(shell, one)));
  const [only = ""] = reasons;
  if (names.length === 1) throw new Failure(EXIT.refused, isUnknown(failed[0]) ? "not_found" : "failed", only, { results });
  for (const one of results) if (one.ok) shell.say(`${one.name} ${done}`);
  const words = failed.map((one, nth) => `\n  ${one.name}: ${reasons[nth] ?? ""}`).join("");
  throw new Failure(EXIT.partial, "partial", `${failed.length} of ${results.length} failed${words}`, { results });
}

/** Why it failed for an agent. For an unknown name, also suggests the nearest one. */
async function reasonOf(shell: Shell, one: Result): Promise<string> {
  const meant = isUnknown(one) ? await meantAgent(one.name, shell.client) : undefined;
  return `${clean(one.error ?? "refused")}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

const isUnknown = (one: Result | undefined): boolean => one?.error?.includes("is not managed by this hive") === true;
