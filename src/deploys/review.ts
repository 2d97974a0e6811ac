import type { Swarm } from "../agents/swarm.ts";
import { NIX_TEMPLATE } from "../agents/template.ts";
import type { FileChange } from "../config-repos/types.ts";
import type { DiffFile, RiskMark, TreeFile } from "../wire/approval.ts";
import { riskMarks } from "./risks.ts";
import { shownDiff } from "./shown.ts";
import { validateConfig, type RulesOf } from "./validate.ts";

export interface ReviewDeps {
  agents: Pick<Swarm, "all">;
  /** The prefixes of model ids in the operator's prices. */
  models: readonly string[];
  /** Whether the platform evaluates the Nix code of a config. Without it, such files are shown as ignored. */
  evaluatesNix: boolean;
  /** The paths of the files that are copied into workspaces of a repository. */
  included(repo: string): readonly string[];
}

/** Checks a config change and presents it to the operator. */
export class Review {
  readonly #deps: ReviewDeps;

  constructor(deps: ReviewDeps) {
    this.#deps = deps;
  }

  /** The complaints about a config tree, for the author of the proposal. Empty if it can be deployed. */
  validate(files: readonly TreeFile[], rules: RulesOf): string[] {
    return validateConfig(files, rules);
  }

  /** A change as the operator sees it. */
  shown(changes: readonly FileChange[], head: readonly TreeFile[]): DiffFile[] {
    return shownDiff(changes, head, this.#deps.evaluatesNix);
  }

  /** What the operator should not miss in a change. */
  risks({ base, head, diff }: Change): RiskMark[] {
    const { agents, models, evaluatesNix, included } = this.#deps;
    const known = { models, agents: agents.all().map((agent) => agent.name) };
    return riskMarks(base, head, diff, { evaluatesNix, template: NIX_TEMPLATE, known, included });
  }
}

interface Change {
  base: readonly TreeFile[] | undefined;
  head: readonly TreeFile[];
  diff: readonly DiffFile[];
}
