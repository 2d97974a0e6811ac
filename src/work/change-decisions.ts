import { hivectl } from "../lib/hivectl.ts";
import type { Agent } from "../agents/agent.ts";
import type { ChangeRecord } from "../store/changes.ts";
import type { Sha } from "../wire/approval.ts";
import { HiveError } from "../wire/error.ts";
import type { Parsed } from "../wire/operations.ts";
import { namedUnshown } from "../diffs/named-unshown.ts";
import type { Changes } from "./changes.ts";
import type { ChangeStore } from "./change-store.ts";
import type { Comments } from "./comments.ts";
import { decidesWithoutOperator, POLICY_CHECKS } from "./policy.ts";
import type { MergeQueue } from "./queue/merge-queue.ts";
import type { Repositories } from "./repositories.ts";
import { accessOf, type WorkContext } from "./work-context.ts";

/** What the operator had seen when approving. */
interface Seen {
  sha?: Sha | undefined;
  digest?: string | undefined;
  unshown?: readonly string[] | undefined;
  note?: string | undefined;
}

const noteOf = (note: string | undefined): { note: string | null } => ({ note: note?.trim() || null });

export interface DecisionDeps {
  context: WorkContext;
  repositories: Repositories;
  changeStore: ChangeStore;
  changes: Changes;
  comments: Comments;
  queue: MergeQueue;
}

/** Decisions on changes: those of the operator, of named reviewers, and of the policy. */
export class ChangeDecisions {
  readonly #deps: DecisionDeps;

  constructor(deps: DecisionDeps) {
    this.#deps = deps;
  }

  /**
   * Approves the commit and the diff that were shown. Content that is not shown must be named. The change then goes to
   * its queue. `digestNeeded` is true for a browser, which has shown a diff.
   */
  async approve(id: number, seen: Seen, { by, digestNeeded }: { by: string; digestNeeded: boolean }): Promise<ChangeRecord> {
    const { changeStore, changes, context, queue } = this.#deps;
    const row = changeStore.get(id);
    changeStore.check(row, "approve");
    checkSeen(row, seen, digestNeeded);
    const { diff } = await changes.diff(row, "merge_base");
    namedUnshown(changes.shown(row, diff), seen.unshown ?? [], {
      subject: `change ${row.id}`,
      look: hivectl(`change show ${row.id} --file <path>`),
      how: "`--unshown <path>`",
    });
    await context.store.write((tx) => {
      // Whoever named neither approves what was checked above, not a round that came meanwhile.
      checkSeen(changeStore.get(id), { sha: row.sha, digest: row.digest }, digestNeeded);
      return changeStore.move(tx, id, "approve", by, this.#decided(row, by, seen.note));
    });
    await queue.enqueue(id);
    return changeStore.get(id);
  }

  async deny(id: number, note: string | undefined, by: string): Promise<ChangeRecord> {
    const { changeStore, context } = this.#deps;
    return context.store.write((tx) => {
      const row = changeStore.get(id);
      return changeStore.move(tx, id, "deny", by, this.#decided(row, by, note));
    });
  }

  /** Sends a change back to its owner with the drafts and a note. One of them must say something. */
  async return(id: number, note: string | undefined, by: string): Promise<ChangeRecord> {
    const { changeStore, comments, context } = this.#deps;
    return context.store.write((tx) => {
      const row = changeStore.get(id);
      changeStore.check(row, "return");
      if (comments.send(id) === 0 && !note?.trim())
        throw new HiveError("bad_request", "say what should change: comment on a line, or give a note");
      return changeStore.move(tx, id, "return", by, this.#decided(row, by, note));
    });
  }

  /** A named reviewer's verdict on one commit. Under the policy `reviewed` an approval merges after the time for a veto. */
  async review(agent: Agent, input: Parsed<"review_change">): Promise<ChangeRecord> {
    const { changeStore, changes, comments, context, queue } = this.#deps;
    const seen = visibleTo(agent, changeStore.get(input.change));
    // As the repository's list is now: it may be newer than the proposal.
    const isProtected = input.verdict === "approve" && (await changes.isProtected(seen));
    this.#checkReviewer(agent, seen, input, isProtected);
    const places = await comments.placed(seen, input.comments);
    const row = await context.store.write((tx) => {
      const found = changeStore.get(input.change);
      this.#checkReviewer(agent, found, input, isProtected);
      for (const [at, { text }] of input.comments.entries()) comments.add(found, agent.name, "open", places[at] ?? {}, text);
      if (input.text.trim() !== "") comments.add(found, agent.name, "open", {}, input.text);
      if (input.verdict === "comment") return changeStore.note(tx, found.id, {});
      const event = input.verdict === "approve" ? "approve" : "return";
      return changeStore.move(tx, found.id, event, agent.name, this.#decided(found, agent.name, input.text));
    });
    if (row.state === "approved") queue.afterVeto(row.id);
    return row;
  }

  /** A named reviewer comments and asks for changes under every policy, and approves where the policy says so. */
  #checkReviewer(
    agent: Agent,
    row: ChangeRecord,
    { commit, verdict }: Pick<Parsed<"review_change">, "commit" | "verdict">,
    isProtected: boolean,
  ): void {
    const { settings } = this.#deps.repositories.get(row.repo);
    const rule = decidesWithoutOperator({ settings, author: row.agent_name, isProtected });
    if (row.agent === agent.id) throw new HiveError("forbidden", `change ${row.id} is your own: another reviewer decides it`);
    if (!settings.reviewers.includes(agent.name))
      throw new HiveError(
        "forbidden",
        `you are not a reviewer of ${row.repo}: the operator names them (${hivectl(`repo set ${row.repo} --reviewer ${agent.name}`)})`,
      );
    if (row.sha !== commit)
      throw new HiveError("conflict", `change ${row.id} proposes ${row.sha} now, not ${commit}: look at that commit`);
    if (verdict === "approve" && rule?.by !== "reviewers")
      throw new HiveError(
        "forbidden",
        `only the operator approves change ${row.id}: comment on it, or send the operator a message`,
      );
  }

  /** Approves a new proposal that its repository's policy leaves to the check alone. */
  async byPolicy(row: ChangeRecord): Promise<void> {
    const { changeStore, changes, context, queue, repositories } = this.#deps;
    const { settings } = repositories.get(row.repo);
    if (settings.policy !== "checks") return;
    const rule = decidesWithoutOperator({ settings, author: row.agent_name, isProtected: await changes.isProtected(row) });
    if (rule?.by !== "check") return;
    const isSame = await context.store.write((tx) => {
      // Another round is decided for itself: it may touch protected files.
      if (changeStore.get(row.id).round !== row.round) return false;
      changeStore.move(tx, row.id, "approve", POLICY_CHECKS, this.#decided(row, POLICY_CHECKS, undefined));
      return true;
    });
    if (isSame) await queue.enqueue(row.id);
  }

  async retry(id: number, by: string): Promise<ChangeRecord> {
    const { changeStore, context, queue } = this.#deps;
    const row = await context.store.write((tx) =>
      changeStore.move(tx, id, "retry", by, { reason: null, queued_at: context.now() }),
    );
    queue.kick(row.repo, row.base);
    return row;
  }

  #decided(row: ChangeRecord, by: string, note: string | undefined): Partial<ChangeRecord> {
    return { decided_by: by, decided_at: this.#deps.context.now(), reviewed_sha: row.sha, reason: null, ...noteOf(note) };
  }
}

/** The change, if the agent may know of it. */
function visibleTo(agent: Agent, row: ChangeRecord): ChangeRecord {
  if (accessOf(agent, row.repo) === undefined) throw new HiveError("not_found", `there is no change ${row.id}`);
  return row;
}

function checkSeen(row: ChangeRecord, seen: Seen, digestNeeded: boolean): void {
  if (seen.sha !== undefined && seen.sha !== row.sha)
    throw new HiveError("conflict", `change ${row.id} proposes ${row.sha} now, not ${seen.sha}: look again`);
  if (seen.digest === undefined && digestNeeded)
    throw new HiveError("bad_request", "digest: an approval must name the digest of what was shown");
  if (seen.digest !== undefined && seen.digest !== row.digest)
    throw new HiveError("conflict", `change ${row.id} is not what was shown: look again`);
}
