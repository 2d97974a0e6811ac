import type { Agent } from "../agents/agent.ts";
import { Slots } from "../lib/slots.ts";
import { moveRef } from "../os/git/refs.ts";
import { pinOf, type ChangeRecord } from "../store/changes.ts";
import type { Tx } from "../store/store.ts";
import type { DiffFile, Sha } from "../wire/approval.ts";
import { isBeingMerged, isChangeOver } from "../wire/change-states.ts";
import { HiveError } from "../wire/error.ts";
import { MAX_HIVE_CHANGES, MAX_OPEN_CHANGES, MAX_UNDECIDED_ROUNDS } from "../wire/limits.ts";
import { OPERATOR, SYSTEM } from "../wire/names.ts";
import type { Parsed } from "../wire/operations.ts";
import { OWNER_GONE, type ChangeStore } from "./change-store.ts";
import type { Comments } from "./comments.ts";
import { changeDigest, diffOf, isContained, mergeBaseOf, shownFiles, statOf, type ChangeDiff } from "./diff.ts";
import { changeMarks } from "./marks.ts";
import { decidesWithoutOperator, protectedPaths } from "./policy.ts";
import type { Repositories } from "./repositories.ts";
import type { Repo } from "./repo-record.ts";
import { RecentDiffs } from "./recent-diffs.ts";
import { accessOf, checkAlive, type WorkContext } from "./work-context.ts";

/** Proposals that git reads at once, in the hive and of one agent: each takes a few processes and memory for its diff. */
const PROPOSALS = { most: 2, mostPerKey: 1 };
const NEVER = new AbortController().signal;

/** What a proposal was found to be. */
interface Found {
  repo: Repo;
  base: string;
  sha: Sha;
  mergeBase: Sha | undefined;
  diff: ChangeDiff;
}

/** Creates changes from the branches that agents pushed, and reads their diffs. */
export class Changes {
  readonly #context: WorkContext;
  readonly #repositories: Repositories;
  readonly #changeStore: ChangeStore;
  readonly #comments: Comments;
  readonly #slots = new Slots(PROPOSALS);
  readonly #diffs: RecentDiffs;

  constructor(context: WorkContext, repositories: Repositories, changeStore: ChangeStore, comments: Comments) {
    this.#context = context;
    this.#repositories = repositories;
    this.#changeStore = changeStore;
    this.#comments = comments;
    this.#diffs = new RecentDiffs((repo, from, to) => diffOf(context.git, repo, from, to));
  }

  /**
   * Proposes the tip of an agent's branch for a base. An open change of the branch gets a new round; one for another
   * base is superseded. The commit is pinned when it resolves.
   */
  async propose(agent: Agent, input: Parsed<"propose_change">): Promise<ChangeRecord> {
    this.#checkMayPropose(agent, input.repo);
    const repo = this.#repositories.get(input.repo);
    const branch = input.branch.startsWith(`${agent.name}/`) ? input.branch.slice(agent.name.length + 1) : input.branch;
    const own = agent.config.repos.find(({ name }) => name === repo.name)?.base;
    const base = input.base ?? own ?? repo.settings.base;
    const about = { agent: agent.id, agent_name: agent.name, branch, title: input.title, body: input.body };
    const look = async (): Promise<ChangeRecord> => {
      const pushed = this.#context.store.repositories.branch(repo.name, agent.id, branch);
      if (!pushed)
        throw new HiveError(
          "not_found",
          `you have not pushed a branch ${branch} to ${repo.name}: git push -u origin ${branch} first`,
        );
      // Before git reads anything: a proposal that is refused costs little, however often it is made.
      this.#checkNew(about, repo.name, base, pushed.sha);
      return this.#store(about, await this.#look(repo, base, pushed.sha), input.answers ?? []);
    };
    return this.#repositories.uses.during(repo.name, () => this.#slots.run(agent.id, NEVER, look));
  }

  /** Proposes a commit of the daemon's own making, such as a revert, in the name of the operator who asked for it. */
  async proposeOwn(
    repo: Repo,
    facts: { agent_name: string; branch: string; title: string; body: string; base: string; sha: Sha; by: string },
  ): Promise<ChangeRecord> {
    const { base, sha, by, ...rest } = facts;
    return this.#store({ agent: facts.agent_name, ...rest }, await this.#look(repo, base, sha), [], by);
  }

  #checkMayPropose(agent: Agent, repo: string): void {
    const yours = agent.config.repos.map(({ name, access }) => (access === "read" ? `${name} (read only)` : name)).join(", ");
    if (accessOf(agent, repo) !== "write")
      throw new HiveError(
        "forbidden",
        `${agent.name} may not write to ${JSON.stringify(repo)}: your repositories are ${yours || "none"}`,
      );
    this.#context.broker.checkMayAsk(agent.id);
  }

  /** Throws if `owner` has too many open changes. Checked inside the write, because proposals come at once. */
  #checkRoom(owner: string): void {
    const open = this.#context.store.changes.open();
    if (open.filter(({ agent }) => agent === owner).length >= MAX_OPEN_CHANGES)
      throw new HiveError("rate_limited", `you have ${MAX_OPEN_CHANGES} open changes: withdraw some, or wait`);
    if (open.length >= MAX_HIVE_CHANGES)
      throw new HiveError("rate_limited", `the hive has ${MAX_HIVE_CHANGES} open changes: the operator must decide some first`);
  }

  /** Throws if a proposal may not be made now. The open change that it is a round of, if there is one. */
  #checkNew(about: { agent: string; branch: string }, repo: string, base: string, sha: Sha): ChangeRecord | undefined {
    const same = this.#openOf(about, repo).find((row) => row.base === base);
    this.#checkUndecided(about.agent);
    if (same) this.#checkRepeated(same, sha);
    else this.#checkRoom(about.agent);
    return same;
  }

  #checkUndecided(owner: string): void {
    if (this.#context.store.changes.undecided(owner) < MAX_UNDECIDED_ROUNDS) return;
    throw new HiveError(
      "rate_limited",
      `you have proposed ${MAX_UNDECIDED_ROUNDS} times since anyone decided on a change of yours: wait for a decision`,
    );
  }

  /** The proposal against the base as it is now. Refuses what adds nothing or is too large to review. */
  async #look(repo: Repo, base: string, sha: Sha): Promise<Found> {
    const { git } = this.#context;
    const tip = this.#repositories.tip(repo.name, base);
    if (tip === undefined && this.#repositories.tips(repo.name).size > 0)
      throw new HiveError(
        "not_found",
        `${repo.name} has no base ${base}: it has ${[...this.#repositories.tips(repo.name).keys()].slice(0, 10).join(", ")}`,
      );
    if (tip !== undefined && (await isContained(git, repo.name, sha, tip)))
      throw new HiveError("conflict", `${base} contains ${sha.slice(0, 12)} already: commit something and push it first`);
    const mergeBase = tip === undefined ? undefined : await mergeBaseOf(git, repo.name, tip, sha);
    if (tip !== undefined && mergeBase === undefined)
      throw new HiveError(
        "bad_request",
        `${sha.slice(0, 12)} shares no history with ${base}: begin the branch at origin/${base}`,
      );
    return { repo, base, sha, mergeBase, diff: await this.#diffs.get(repo.name, mergeBase, sha) };
  }

  async #store(
    about: { agent: string; agent_name: string; branch: string; title: string; body: string },
    found: Found,
    answers: readonly { comment: number; text: string }[],
    by: string = about.agent_name,
  ): Promise<ChangeRecord> {
    const { store, now, failpoint } = this.#context;
    const guarded = guardedIn(found.diff, found.repo);
    const shown = shownFiles(found.diff.files, guarded);
    const facts = {
      ...about,
      repo: found.repo.name,
      base: found.base,
      sha: found.sha,
      merge_base: found.mergeBase ?? null,
      digest: changeDigest({ repo: found.repo.name, base: found.base, sha: found.sha, diff: found.diff.hash }),
      stat: JSON.stringify(statOf(found.diff.files)),
      marks: JSON.stringify(changeMarks(found.diff.files, shown, guarded)),
      proposed_at: now(),
      decided_by: null,
      decided_at: null,
      note: null,
      reason: null,
      queued_at: null,
      candidate: null,
      candidate_base: null,
      early_check: null,
    };
    const before = this.#openOf(about, found.repo.name).find(({ base }) => base === found.base);
    const outdated = before ? await this.#comments.outdatedIn(before, found.sha) : new Map<number, boolean>();
    const row = await store.write((tx) => {
      // Both may have gone while git read the proposal.
      checkAlive(this.#context, about.agent);
      this.#repositories.get(found.repo.name);
      const open = this.#openOf(about, found.repo.name);
      const same = this.#checkNew(about, found.repo.name, found.base, found.sha);
      this.#comments.markOutdated(outdated);
      for (const other of open) if (other.id !== same?.id) this.#changeStore.move(tx, other.id, "supersede", by);
      const saved = same
        ? this.#changeStore.move(tx, same.id, "propose", by, {
            ...facts,
            // What was said to the round before stays readable.
            note: same.note,
            round: same.round + 1,
            undecided: same.undecided + 1,
          })
        : this.#changeStore.insert(
            tx,
            { ...facts, round: 1, reviewed_sha: null, merged_sha: null, has_log: 0, undecided: 1 },
            by,
          );
      this.#answer(tx, saved, answers);
      this.#askReviewers(tx, saved, found.repo, guarded.size > 0);
      return saved;
    });
    await failpoint("change_stored");
    await this.pin(row);
    return row;
  }

  #openOf({ agent, branch }: { agent: string; branch: string }, repo: string): ChangeRecord[] {
    return this.#context.store.changes
      .open()
      .filter((row) => row.agent === agent && row.branch === branch && row.repo === repo && !isChangeOver(row.state));
  }

  #checkRepeated(row: ChangeRecord, sha: Sha): void {
    if (isBeingMerged(row.state))
      throw new HiveError("conflict", `change ${row.id} is being merged: wait for its end, then propose what is new`);
    if (row.sha === sha && row.state !== "changes_requested")
      throw new HiveError("conflict", `change ${row.id} proposes this commit already: push a new one first`);
  }

  /** Wakes the reviewers that may approve a change, in the transaction of its proposal. */
  #askReviewers(tx: Tx, row: ChangeRecord, { settings }: Repo, isProtected: boolean): void {
    const rule = decidesWithoutOperator({ settings, author: row.agent_name, isProtected });
    if (rule?.by !== "reviewers") return;
    for (const name of rule.reviewers) {
      const reviewer = this.#context.agents.find(name);
      if (!reviewer || reviewer.destroyed || accessOf(reviewer, row.repo) === undefined) continue;
      this.#context.broker.notify(
        tx,
        { id: reviewer.id, name },
        {
          event: "review_asked",
          change: row.id,
          repo: row.repo,
          by: row.agent_name,
          branch: `${row.agent_name}/${row.branch}`,
          base: row.base,
          commit: row.sha,
          title: row.title,
        },
      );
    }
  }

  #answer(tx: Tx, row: ChangeRecord, answers: readonly { comment: number; text: string }[]): void {
    const { changes } = this.#context.store;
    for (const { comment: id, text } of answers) {
      const comment = changes.comment(id);
      if (comment?.change !== row.id || comment.state === "draft")
        throw new HiveError("not_found", `change ${row.id} has no comment ${id}`);
      changes.putComment({ ...comment, answer: text });
    }
    if (answers.length === 0) return;
    this.#comments.checkRoom(row.id);
    this.#changeStore.note(tx, row.id, {});
  }

  /** Pins the proposed commit, so that a force-push does not remove what is reviewed. */
  async pin(row: ChangeRecord): Promise<void> {
    const folder = this.#repositories.folder(row.repo);
    const { ok } = await moveRef(folder, pinOf(row), row.sha, undefined);
    if (!ok) throw new Error(`${pinOf(row)} of ${row.repo} names another commit`);
  }

  /** The diff of a change against a base of choice. */
  async diff(
    row: ChangeRecord,
    against: Parsed<"change">["against"],
    path?: string,
  ): Promise<{ from: Sha | undefined; diff: ChangeDiff }> {
    const from =
      against === "base_tip"
        ? (this.#repositories.tip(row.repo, row.base) ?? row.merge_base ?? undefined)
        : against === "last_reviewed"
          ? (row.reviewed_sha ?? row.merge_base ?? undefined)
          : (row.merge_base ?? undefined);
    const { git } = this.#context;
    const diff = path === undefined ? this.#diffs.get(row.repo, from, row.sha) : diffOf(git, row.repo, from, row.sha, path);
    return { from, diff: await diff };
  }

  /** True if a change touches a path that only the operator may approve, by the repository's list as it is now. */
  async isProtected(row: ChangeRecord): Promise<boolean> {
    const { diff } = await this.diff(row, "merge_base");
    return guardedIn(diff, this.#repositories.get(row.repo)).size > 0;
  }

  /** The files of a diff as they are shown, protected ones first. */
  shown(row: ChangeRecord, diff: ChangeDiff): DiffFile[] {
    return shownFiles(diff.files, guardedIn(diff, this.#repositories.get(row.repo)));
  }

  /** Withdraws a change: its owner, or an operator, whose id is `operator`. */
  async withdraw(id: number, by: { id: string; name: string }, note: string | undefined): Promise<ChangeRecord> {
    const row = this.#changeStore.get(id);
    const agent = by.id === OPERATOR ? undefined : this.#context.agents.byId(by.id);
    // Of another repository the agent learns nothing.
    if (agent && accessOf(agent, row.repo) === undefined && row.agent !== by.id)
      throw new HiveError("not_found", `there is no change ${id}`);
    if (by.id !== OPERATOR && row.agent !== by.id)
      throw new HiveError("forbidden", `change ${id} is ${row.agent_name}'s: you withdraw only your own`);
    return this.#context.store.write((tx) =>
      this.#changeStore.move(tx, id, "withdraw", by.name, note?.trim() ? { note: note.trim() } : {}),
    );
  }

  /** Ends the open changes of an agent that is destroyed. */
  async agentRemoved(agent: Pick<Agent, "id">): Promise<void> {
    const { store } = this.#context;
    const open = store.changes.open().filter((row) => row.agent === agent.id && !isBeingMerged(row.state));
    if (open.length === 0) return;
    await store.write((tx) => {
      for (const row of open) this.#changeStore.move(tx, row.id, "withdraw", SYSTEM, { note: OWNER_GONE });
    });
  }
}

/** The paths of a diff that only the operator may approve. */
function guardedIn(diff: ChangeDiff, repo: Repo): Set<string> {
  return new Set(
    protectedPaths(
      diff.files.map(({ path }) => path),
      repo.settings.protected,
    ),
  );
}
