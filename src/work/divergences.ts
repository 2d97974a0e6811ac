import { hivectl } from "../lib/hivectl.ts";
import type { Sha } from "../wire/approval.ts";
import {
  MAX_SIDE_COMMITS,
  MAX_SUBJECT_CHARS,
  MAX_UNDONE_CHANGES,
  type DivergenceView,
  type Reconciliation,
} from "../wire/divergence.ts";
import { HiveError } from "../wire/error.ts";
import { isContained, mergeBaseOf } from "./diff.ts";
import type { News } from "./news.ts";
import { mergeUpstream } from "./queue/merge.ts";
import type { Repositories } from "./repositories.ts";
import type { Upstreams } from "./upstream.ts";
import type { WorkContext } from "./work-context.ts";

/** Bytes of the names of all commits that one side has alone: those of a repository of the largest size. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Files of a conflict that its error names. */
const MAX_NAMED_FILES = 20;

/** What the operator wants for a diverged base. */
export interface Wish {
  base?: string | undefined;
  by: Reconciliation;
  /** The tips that the operator has seen. */
  ours?: Sha | undefined;
  upstream?: Sha | undefined;
}

/** Where a base was before and is now. */
export interface Reconciled {
  base: string;
  from: Sha;
  to: Sha;
  kept?: string;
}

interface Deps {
  context: WorkContext;
  repositories: Repositories;
  upstreams: Pick<Upstreams, "fetchThen" | "tip">;
  news: Pick<News, "baseMoved">;
}

/** Bases that have diverged from their upstream: what each side has, and the ways to bring them together. */
export class Divergences {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** What each side has, as last fetched. Throws if the base has not diverged. */
  async view(name: string, given?: string): Promise<DivergenceView> {
    const { context, repositories } = this.#deps;
    const base = given ?? repositories.get(name).settings.base;
    const { ours, upstream } = await this.#tips(name, base);
    if (!repositories.get(name).holds[base]?.diverged) throw notDiverged(name, base);
    const only = await this.#only(name, ours, upstream);
    const merged = context.store.changes
      .merged(name, Number.MAX_SAFE_INTEGER)
      .filter((row) => row.base === base && row.merged_sha !== null && only.has(row.merged_sha));
    return {
      base,
      ours: await this.#side(name, ours, only),
      upstream: await this.#side(name, upstream, await this.#only(name, upstream, ours)),
      changes: merged
        .slice(0, MAX_UNDONE_CHANGES)
        .map((row) => ({ id: row.id, title: row.title, agent: row.agent_name, merged_sha: row.merged_sha ?? "" })),
      undone: merged.length,
    };
  }

  /**
   * Fetches, then brings a base and its upstream together. The base is where the answer says, on stable storage, or
   * nothing has moved and the error says why.
   */
  async reconcile(name: string, { base: given, by, ...seen }: Wish, actor: string): Promise<Reconciled> {
    const { repositories, upstreams } = this.#deps;
    const base = given ?? repositories.get(name).settings.base;
    if (by === "reset" && (seen.ours === undefined || seen.upstream === undefined))
      throw new HiveError("bad_request", "a reset names the tips that were shown: send ours and upstream");
    return upstreams.fetchThen(name, { by: actor }, async ({ diverged }) => {
      if (by !== "undo" && !diverged.includes(base)) throw notDiverged(name, base);
      const tips = await this.#tips(name, base);
      for (const side of ["ours", "upstream"] as const)
        if (seen[side] !== undefined && seen[side] !== tips[side])
          throw new HiveError(
            "conflict",
            `${base} of ${side === "ours" ? "the hive" : "the upstream"} is at ${tips[side].slice(0, 12)} by now: look again, then decide`,
          );
      const busy = this.#deps.context.store.changes.merging().find((row) => row.repo === name && row.base === base);
      if (busy) throw new HiveError("conflict", `change ${busy.id} is being merged into ${base}: try again when it is done`);
      return repositories.uses.during(name, () => this.#move(name, base, by, tips, actor));
    });
  }

  async #move(
    name: string,
    base: string,
    by: Reconciliation,
    tips: { ours: Sha; upstream: Sha },
    actor: string,
  ): Promise<Reconciled> {
    const { context, repositories, news } = this.#deps;
    const from = tips.ours;
    const to = await this.#target(name, base, by, tips);
    const kept = by === "reset" ? await repositories.keep(name, base, from) : undefined;
    // Before the base moves, so that the audit trail accounts for it however the daemon ends.
    await context.store.write(() =>
      context.store.ledger.audit(context.store.nextSeq(), {
        at: context.now(),
        actor,
        kind: "base_reconciled",
        detail: { repo: name, base, by, from, to, upstream: tips.upstream, ...(kept === undefined ? {} : { kept }) },
      }),
    );
    await context.failpoint("reconcile_decided");
    const isApart = !(await isContained(context.git, name, tips.upstream, to));
    // The queue must not merge onto a base that diverges again.
    if (isApart) await repositories.setDiverged(name, base, true);
    if (!(await repositories.moveBase(name, base, to, from)))
      throw new HiveError("conflict", `${base} has moved meanwhile: look again, then decide`);
    await context.failpoint("reconcile_moved");
    if (!isApart) await repositories.setDiverged(name, base, false);
    news.baseMoved(name, base, to);
    return { base, from, to, ...(kept === undefined ? {} : { kept }) };
  }

  /** The commit that the base becomes. */
  async #target(name: string, base: string, by: Reconciliation, tips: { ours: Sha; upstream: Sha }): Promise<Sha> {
    const { context, repositories } = this.#deps;
    const { ours, upstream } = tips;
    if (by === "reset") return upstream;
    if (by === "undo") {
      const kept = await repositories.kept(name, base);
      if (kept === undefined) throw new HiveError("conflict", `no reset of ${base} has kept anything`);
      if (!(await isContained(context.git, name, ours, upstream)))
        throw new HiveError(
          "conflict",
          `${base} has commits of its own since the reset, which undoing it would drop: revert them first`,
        );
      return kept;
    }
    if ((await mergeBaseOf(context.git, name, ours, upstream)) === undefined)
      throw new HiveError("conflict", `${base} of the hive and of the upstream share no commit, so they cannot be merged`);
    const made = await mergeUpstream(context.git, { repo: name, base }, { ...tips, now: context.now() });
    if (made.kind === "made") return made.commit;
    const words = made.kind === "contained" ? "nothing is left to merge" : conflictWords(made.files, made.reason);
    const followed = repositories.get(name).upstream;
    const where = followed?.kind === "folder" ? followed.folder : "a clone";
    throw new HiveError(
      "conflict",
      `${words}. Nothing has moved: run git pull hive ${base} in ${where}, solve the conflict, then ${hivectl(`repo fetch ${name}`)}`,
    );
  }

  /** Where the base and its upstream are. */
  async #tips(name: string, base: string): Promise<{ ours: Sha; upstream: Sha }> {
    const { repositories, upstreams } = this.#deps;
    const ours = repositories.tip(name, base);
    const upstream = await upstreams.tip(name, base);
    if (ours === undefined) throw new HiveError("not_found", `${name} has no base ${base}`);
    if (upstream === undefined) throw new HiveError("conflict", `the upstream of ${name} has no branch ${base}`);
    return { ours, upstream };
  }

  /** Every commit that one tip has and another has not. */
  async #only(name: string, tip: Sha, other: Sha): Promise<ReadonlySet<Sha>> {
    const out = await this.#deps.context.git.read(name, ["rev-list", tip, `^${other}`], { maxBytes: MAX_BYTES });
    return new Set(out.toString("latin1").split("\n").filter(Boolean));
  }

  async #side(name: string, tip: Sha, only: ReadonlySet<Sha>): Promise<DivergenceView["ours"]> {
    const listed = [...only].slice(0, MAX_SIDE_COMMITS);
    const input = listed.map((sha) => `${sha}\n`).join("");
    // Git cuts the subjects: one may be as long as its author likes.
    const format = `--format=%H %<(${MAX_SUBJECT_CHARS},trunc)%s`;
    const out = await this.#deps.context.git.read(name, ["log", "--no-walk=unsorted", "--stdin", format], { input });
    const lines = out.toString("utf8").split("\n").filter(Boolean);
    return {
      tip,
      count: only.size,
      commits: lines.map((line) => ({ sha: line.slice(0, 40), subject: line.slice(41).trimEnd() })),
    };
  }
}

const notDiverged = (name: string, base: string): HiveError =>
  new HiveError("conflict", `${base} of ${name} has not diverged: ${hivectl(`repo show ${name}`)} shows where it is`);

function conflictWords(files: readonly string[], reason: string): string {
  if (files.length === 0) return reason.split("\n")[0] ?? reason;
  const named = files.slice(0, MAX_NAMED_FILES);
  const more = files.length > named.length ? [`and ${files.length - named.length} more`] : [];
  return `the two sides conflict in ${[...named, ...more].join(", ")}`;
}
