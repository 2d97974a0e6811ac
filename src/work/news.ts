import type { Agent } from "../agents/agent.ts";
import type { ChangeRecord } from "../store/changes.ts";
import { accessOf, type WorkContext } from "./work-context.ts";

/** Lines of news that wait for one agent. The newest are kept; the agent can list the changes. */
const MAX_LINES = 20;
/** Characters of a title in a line. */
const MAX_TITLE = 80;
/** States of a change that others hear of. */
const TOLD: readonly ChangeRecord["state"][] = ["proposed", "merged"];

/**
 * What happened in an agent's repositories since its last turn: changes of others that were proposed or merged, and its
 * own that were merged. It wakes nobody; the next prompt has it. It is in memory only, because the agent can list the
 * changes and fetch the bases at any time.
 */
export class News {
  readonly #context: Pick<WorkContext, "agents">;
  /** The lines by agent, each under the change or base that it is about, so that a newer one replaces it. */
  readonly #lines = new Map<string, Map<string, string>>();

  constructor(context: Pick<WorkContext, "agents">) {
    this.#context = context;
  }

  /** Notes the state of a change for those who work on its repository. */
  changed(row: ChangeRecord): void {
    if (!TOLD.includes(row.state)) return;
    const title = row.title.replaceAll(/\s+/g, " ").slice(0, MAX_TITLE);
    for (const agent of this.#context.agents.all()) {
      const isOwner = agent.id === row.agent;
      if (accessOf(agent, row.repo) === undefined || (isOwner && row.state === "proposed")) continue;
      const whose = isOwner ? "your change" : `change of ${row.agent_name}:`;
      const what =
        row.state === "merged"
          ? `${row.repo}: ${whose} ${row.id} “${title}” is merged into ${row.base} (${row.merged_sha?.slice(0, 12) ?? ""})`
          : `${row.repo}: ${row.agent_name} proposes change ${row.id} “${title}” for ${row.base}`;
      this.#note(agent, `change ${row.id}`, what);
    }
  }

  /** Notes that a base was moved by its upstream or by the operator. */
  baseMoved(repo: string, base: string, sha: string): void {
    for (const agent of this.#context.agents.all())
      if (accessOf(agent, repo) !== undefined)
        this.#note(agent, `${repo} ${base}`, `${repo}: ${base} moved to ${sha.slice(0, 12)}`);
  }

  #note(agent: Agent, key: string, line: string): void {
    const lines = this.#lines.get(agent.id) ?? new Map<string, string>();
    lines.delete(key);
    lines.set(key, line);
    const [oldest] = lines.keys();
    if (lines.size > MAX_LINES && oldest !== undefined) lines.delete(oldest);
    this.#lines.set(agent.id, lines);
  }

  /** Takes what waits for an agent. Undefined if nothing does. */
  take(agent: Pick<Agent, "id">): string[] | undefined {
    const lines = this.#lines.get(agent.id);
    this.#lines.delete(agent.id);
    return lines && [...lines.values()];
  }
}
