import type { ChangeRecord, CommentRecord } from "../store/changes.ts";
import type { PullRecord } from "../store/pull-requests.ts";
import type { Store } from "../store/store.ts";
import type { RiskMark } from "../wire/approval.ts";
import { HiveError } from "../wire/error.ts";
import { instant } from "../wire/instant.ts";
import type { ChangeView, CommentView, EarlyCheck, PullView } from "../wire/work.ts";
import { isReviewed, vetoEnds } from "./policy.ts";

/** Reads changes: the rows, and how they are shown. */
export class ChangeReader {
  readonly #store: Pick<Store, "changes" | "pulls">;

  constructor(store: Pick<Store, "changes" | "pulls">) {
    this.#store = store;
  }

  get(id: number): ChangeRecord {
    const row = this.#store.changes.byId(id);
    if (!row) throw new HiveError("not_found", `there is no change ${id}`);
    return row;
  }

  view(row: ChangeRecord): ChangeView {
    const pull = this.#store.pulls.of(row.id);
    const comments = this.#store.changes.comments(row.id);
    const count = (state: CommentRecord["state"]): number => comments.filter((one) => one.state === state).length;
    return {
      id: row.id,
      seq: row.seq,
      repo: row.repo,
      agent: row.agent_name,
      branch: row.branch,
      base: row.base,
      round: row.round,
      state: row.state,
      title: row.title,
      body: row.body,
      sha: row.sha,
      ...(row.merge_base === null ? {} : { merge_base: row.merge_base }),
      digest: row.digest,
      stat: JSON.parse(row.stat) as ChangeView["stat"],
      marks: JSON.parse(row.marks) as RiskMark[],
      proposed_at: instant(row.proposed_at),
      updated_at: instant(row.updated_at),
      ...(row.decided_by === null ? {} : { decided_by: row.decided_by }),
      ...(row.decided_at === null ? {} : { decided_at: instant(row.decided_at) }),
      ...(row.note === null ? {} : { note: row.note }),
      ...(row.reason === null ? {} : { reason: row.reason }),
      ...(row.state === "approved" && isReviewed(row) ? { merges_at: instant(vetoEnds(row)) } : {}),
      ...(row.state === "conflict" && row.candidate_base !== null ? { conflicts_with: row.candidate_base } : {}),
      ...(row.merged_sha === null ? {} : { merged_sha: row.merged_sha }),
      comments: { draft: count("draft"), open: count("open"), resolved: count("resolved") },
      has_log: row.has_log === 1,
      ...(row.early_check === null ? {} : { early_check: earlyCheckOf(row.early_check) }),
      ...(pull === undefined ? {} : { pull_request: pullView(pull) }),
    };
  }
}

/** The text of the column as it is shown. */
function earlyCheckOf(text: string): EarlyCheck {
  const { state, reason, onto, at } = JSON.parse(text) as Omit<EarlyCheck, "at"> & { at: number };
  return {
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(onto === undefined ? {} : { onto }),
    at: instant(at),
  };
}

/** A pull request as it is shown. */
function pullView({ state, forge, number, url, head, failed }: PullRecord): PullView {
  return {
    state,
    forge,
    ...(number === null ? {} : { number }),
    ...(url === null ? {} : { url }),
    branch: head,
    ...(failed === null ? {} : { failed }),
  };
}

/** A comment as it is shown. */
export function commentView(row: CommentRecord): CommentView {
  return {
    id: row.id,
    change: row.change,
    round: row.round,
    author: row.author,
    ...(row.path === null ? {} : { path: row.path }),
    ...(row.line === null ? {} : { line: row.line }),
    ...(row.side === null ? {} : { side: row.side }),
    ...(row.quote === null ? {} : { quote: row.quote }),
    text: row.text,
    state: row.state,
    outdated: row.outdated === 1,
    ...(row.answer === null ? {} : { answer: row.answer }),
    at: instant(row.at),
  };
}
