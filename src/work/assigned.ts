import type { Agent } from "../agents/agent.ts";
import { hivectl } from "../lib/hivectl.ts";
import type { AgentConfig } from "../wire/config.ts";
import type { Output } from "../wire/operations.ts";
import { closest } from "../wire/suggest.ts";
import type { Repositories } from "./repositories.ts";

/** Bases that a complaint names. */
const MAX_NAMED = 10;

/** The repositories of an agent with their settings, in the order of its config. Removed ones are left out. */
export function assignedTo(agent: Agent, repositories: Pick<Repositories, "find">): Output<"hello">["repos"] {
  return agent.config.repos.flatMap(({ name, base, access }) => {
    const settings = repositories.find(name)?.settings;
    return settings ? [{ name, base: base ?? settings.base, access, setup: settings.setup, author: settings.author }] : [];
  });
}

/**
 * The complaints about the repositories of an agent's config, each with what to do. An agent's branches begin with its
 * name, so a base must not: git could not store both.
 */
export function repoComplaints(
  agentName: string,
  repos: AgentConfig["repos"],
  repositories: Pick<Repositories, "find" | "all" | "tips">,
): string[] {
  const names = repositories.all().map(({ name }) => name);
  return repos.flatMap(({ name, base }) => {
    const repo = repositories.find(name);
    if (!repo) {
      const meant = closest(name, names);
      const has = names.length === 0 ? "the hive has none" : `${hivectl("repo list")} lists them`;
      return [`there is no repository ${name}${meant === undefined ? "" : `; did you mean ${meant}?`} (${has})`];
    }
    const bases = [...new Set([...repositories.tips(name).keys(), repo.settings.base])];
    const clash = bases.find((one) => one === agentName || one.startsWith(`${agentName}/`));
    if (clash !== undefined)
      return [
        `an agent named ${agentName} cannot work on ${name}: its branches would begin like the base ${clash}. Choose another name`,
      ];
    const isUnknown = base !== undefined && !bases.includes(base) && repositories.tips(name).size > 0;
    return isUnknown ? [`${name} has no base ${base}: it has ${bases.slice(0, MAX_NAMED).join(", ")}`] : [];
  });
}
