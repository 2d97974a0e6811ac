import type { Output } from "../wire/operations.ts";
import { clean } from "./print.ts";
import { meantAgent, UsageError, type Shell } from "./shell.ts";

type Result = Output<"start">["results"][number];

/** What a verb for several agents is told: names, or all of them. */
export interface ScopeOptions {
  all?: boolean;
}

/** Names or --all, never neither. Throws words for the usage. */
export function checkScope(names: readonly string[], { all }: ScopeOptions): void {
  if (names.length === 0 && all !== true) throw new UsageError("name the agents, or say --all");
  if (names.length > 0 && all === true) throw new UsageError("name the agents or say --all, not both");
}

/** The scope as the contract takes it. */
export function scopeOf(names: string[], options: ScopeOptions): { all: true } | { agent_names: string[] } {
  checkScope(names, options);
  return options.all === true ? { all: true } : { agent_names: names };
}

/** Does one thing for each agent, whatever became of the one before. A single agent's failure is thrown as it is. */
export async function forEachAgent(
  shell: Shell,
  names: readonly string[],
  options: ScopeOptions,
  done: string,
  run: (name: string) => Promise<object>,
): Promise<void> {
  checkScope(names, options);
  const scope = options.all === true ? (await shell.client.call("list", {})).agents : names;
  const results: (Result & object)[] = [];
  for (const name of scope) {
    try {
      results.push({ name, ok: true, ...(await run(name)) });
    } catch (error) {
      if (scope.length === 1) throw error;
      results.push({ name, ok: false, error: error instanceof Error ? error.message : String(error) });
    }
  }
  await showResults(shell, results, done);
}

/**
 * Says per agent what became of it; some that failed make the exit code 4. Where a single one was named, its failure is
 * a refusal.
 */
export async function showResults(
  shell: Shell,
  results: readonly Result[],
  done: string,
  names: readonly string[] = [],
): Promise<void> {
  const lines: string[] = [];
  for (const one of results) {
    if (one.ok) lines.push(`${one.name} ${done}`);
    else {
      const isUnknown = one.error?.includes("is not managed by this hive") === true;
      const meant = isUnknown && !shell.isJson ? await meantAgent(one.name, shell.client) : undefined;
      const words = `${clean(one.error ?? "refused")}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
      if (names.length === 1 && !shell.isJson) throw new Error(words);
      lines.push(shell.paint("red", `${one.name}: ${words}`));
    }
  }
  shell.show({ results }, () => lines.join("\n"));
  if (results.every((one) => one.ok)) return;
  if (names.length === 1) shell.failed();
  else shell.partial();
}
