import type { ChangeRecord } from "../store/changes.ts";
import type { Sha } from "../wire/approval.ts";
import { HiveError } from "../wire/error.ts";
import { OPERATOR } from "../wire/names.ts";
import { MAX_TITLE_CHARS } from "../wire/work.ts";
import { beforeMerge } from "./before-merge.ts";
import type { ChangeStore } from "./change-store.ts";
import type { Changes } from "./changes.ts";
import { revertChange } from "./queue/merge.ts";
import type { Repositories } from "./repositories.ts";
import type { WorkContext } from "./work-context.ts";

export interface RevertDeps {
  context: WorkContext;
  repositories: Repositories;
  changeStore: ChangeStore;
  changes: Pick<Changes, "proposeOwn">;
}

/** Proposes to undo merged changes. A revert is a change like any other, proposed by the operator. */
export class Reverts {
  readonly #deps: RevertDeps;

  constructor(deps: RevertDeps) {
    this.#deps = deps;
  }

  /** Proposes the revert of a merged change. Throws if later changes of its base touch the same lines. */
  propose(id: number, note: string | undefined, by: string): Promise<ChangeRecord> {
    const { repositories, changeStore } = this.#deps;
    return repositories.uses.during(changeStore.get(id).repo, () => this.#propose(id, note, by));
  }

  async #propose(id: number, note: string | undefined, by: string): Promise<ChangeRecord> {
    const { context, repositories, changeStore, changes } = this.#deps;
    const row = changeStore.get(id);
    const tip = repositories.tip(row.repo, row.base);
    if (row.state !== "merged" || tip === undefined)
      throw new HiveError("conflict", `change ${id} is not merged into a base that exists: there is nothing to revert`);
    const made = await revertChange(context.git, row, { tip, before: await this.#before(row), now: context.now() });
    if (made.kind === "contained")
      throw new HiveError("conflict", `${row.base} no longer contains change ${id}: there is nothing to revert`);
    if (made.kind === "conflict")
      throw new HiveError(
        "conflict",
        made.files.length === 0
          ? made.reason
          : `change ${id} cannot be reverted by itself: later changes of ${row.base} touch ${made.files.slice(0, 20).join(", ")}. Revert those first, or ask an agent`,
      );
    return changes.proposeOwn(repositories.get(row.repo), {
      agent_name: OPERATOR,
      branch: `revert-${id}`,
      title: `Revert "${row.title}"`.slice(0, MAX_TITLE_CHARS),
      body: note?.trim() ?? "",
      base: row.base,
      sha: made.commit,
      by,
    });
  }

  /** The commit of the base before a merged change. Undefined if the base had none. */
  async #before(row: ChangeRecord): Promise<Sha | undefined> {
    const { git, store } = this.#deps.context;
    if (row.candidate_base !== null || store.pulls.of(row.id)?.state !== "merged") return row.candidate_base ?? undefined;
    const before = await beforeMerge(git, row);
    if (before !== undefined) return before;
    throw new HiveError(
      "conflict",
      `the other host has merged change ${row.id} as other commits than those that were approved: revert it there, or ask an agent`,
    );
  }
}
