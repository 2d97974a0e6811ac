import { createHash } from "node:crypto";
import { refObjects } from "../../os/git/refs.ts";
import type { ChangeRecord } from "../../store/changes.ts";
import type { PullRecord } from "../../store/pull-requests.ts";
import type { Tx } from "../../store/store.ts";
import { changeAfter, isChangeOver } from "../../wire/change-states.ts";
import { HiveError } from "../../wire/error.ts";
import { MAX_REASON_CHARS } from "../../wire/limits.ts";
import { SYSTEM } from "../../wire/names.ts";
import type { ChangeStore } from "../change-store.ts";
import { isContained } from "../diff.ts";
import { oneLine } from "../transport/push-report.ts";
import type { Remotes } from "../remote/remotes.ts";
import type { Repo } from "../repo-record.ts";
import type { Repositories } from "../repositories.ts";
import type { Upstreams } from "../upstream.ts";
import type { WorkContext } from "../work-context.ts";
import type { ForgeApi, Pulled } from "./api.ts";
import { ForgeRefusal } from "./http.ts";
import type { Forge } from "./place.ts";
import { pullText, type PullText } from "./text.ts";

export interface FollowParts {
  context: Pick<WorkContext, "store" | "git" | "failpoint" | "now">;
  repositories: Repositories;
  changes: ChangeStore;
  remotes: Pick<Remotes, "push">;
  upstreams: Pick<Upstreams, "fetch" | "tip">;
  /** A base has moved with a merge on the forge: queues may go on. */
  onMerged(repo: string): void;
}

/** A pull request that is looked at, with its change. */
interface Followed extends FollowParts {
  repo: Repo;
  api: ForgeApi;
  id: number;
  stop: AbortSignal;
}

/** The outcome of a look. `again`: there is more to do at once. */
export type FollowEnd = "done" | "again";

const HEADS = "refs/heads/";

/**
 * Brings the pull request of a change to where it belongs, and the change to where the pull request is: pushes the
 * branch, opens or updates the pull request, closes it, or stores that it was merged or closed there. Every step is
 * stored before the next one, and may be repeated: the pull request of a branch is looked for before one is opened.
 * Throws a HiveError if the forge or the upstream does not do what it is asked; nothing is lost then.
 */
export async function followPull(followed: Followed): Promise<FollowEnd> {
  const { context, api, id } = followed;
  const { store } = context;
  const [row, pull] = [store.changes.byId(id), store.pulls.of(id)];
  if (row === undefined || pull === undefined || !isLive(pull)) return "done";
  const branches = { head: pull.head, base: row.base };
  const isOthers = (one: number): boolean => store.pulls.isOfAnother(pull, one);
  const find = async () => ({ pull: await api.find(branches, row.sha, isOthers), etag: undefined });
  const known = pull.number === null ? undefined : await read(api, pull.number, pull.etag);
  const asked = known ?? (await find());
  const there = asked.pull;
  // The repository was removed while the forge was asked.
  if (store.pulls.of(id) === undefined) return "done";
  if (known === undefined && there === undefined && pull.number !== null) return closed(followed, pull.number, "is gone");
  if (known === undefined && there !== undefined) await note(followed, { ...numbered(api, there), told: null });
  if (there?.state === "merged") return merged(followed, there);
  if (there?.state === "closed") return closed(followed, there.number, "was closed without being merged");
  const number = there?.number ?? pull.number ?? undefined;
  // It may have been denied, or have a newer round, since the forge was asked.
  const [now, kept] = [store.changes.byId(id), store.pulls.of(id)];
  if (now === undefined || kept === undefined) return "done";
  if (!isWanted(now, kept)) return withdraw(followed, number);
  if (now.sha !== row.sha) return "again";
  if (now.state === "in_pull_request" && (await offer(followed, now, number)) === "moved") return "again";
  const { etag, failed, state } = store.pulls.of(id) ?? pull;
  // An answer that was open is the one whose repetition says nothing new.
  const next = asked.etag ?? null;
  if (failed !== null) await note(followed, { etag: next, failed: null });
  else if (state === "open" && etag !== next) await keepMark(followed, next);
  return "done";
}

/**
 * Reads a pull request whose number is known. Undefined if the forge does not have it: only if the list of pull requests
 * can be read, too, it is gone, because a repository that is hidden from the token looks the same.
 */
async function read(
  api: ForgeApi,
  number: number,
  etag: string | null,
): Promise<Awaited<ReturnType<ForgeApi["read"]>> | undefined> {
  try {
    return await api.read(number, etag ?? undefined);
  } catch (error) {
    if (error instanceof HiveError && error.code === "not_found") return undefined;
    throw error;
  }
}

/** A pull request that is known to be there. */
const numbered = (api: ForgeApi, { number }: Pulled) => ({ number, url: api.page(number), state: "open" as const });

/** What is stored of a pull request that is not known to be there. */
const UNKNOWN = { number: null, url: null, etag: null, told: null };

export const isLive = ({ state }: Pick<PullRecord, "state">): boolean => state === "opening" || state === "open";

/** False if a pull request is to be closed: its change has ended otherwise, or was taken out of it. */
function isWanted(row: ChangeRecord, pull: PullRecord): boolean {
  if (isChangeOver(row.state)) return false;
  // A new round waits for its approval while the pull request stays as it is.
  return row.state !== "proposed" || row.round > pull.round;
}

/**
 * True if a commit is still what its pull request is to have: asked before each act, because the change may have been
 * denied, taken out, or removed with its repository while the act before was awaited.
 */
function isOffered({ context: { store }, id }: Followed, { sha }: Pick<ChangeRecord, "sha">): boolean {
  const [row, pull] = [store.changes.byId(id), store.pulls.of(id)];
  return row?.state === "in_pull_request" && row.sha === sha && pull !== undefined && isLive(pull);
}

/**
 * Pushes the commit of a change to its branch, and sees to it that a pull request with its text is open. `moved`: the
 * change is another one by now, and nothing more was done for it.
 */
async function offer(followed: Followed, row: ChangeRecord, number: number | undefined): Promise<"offered" | "moved"> {
  const { context, api, repo, id } = followed;
  const pull = context.store.pulls.of(id);
  if (pull === undefined) return "moved";
  // The name of the branch does not have the base: that of another base would get these commits.
  const other = context.store.pulls
    .live()
    .find(({ repo: name, head, change }) => name === repo.name && head === pull.head && change !== id);
  if (other !== undefined)
    throw new HiveError(
      "unavailable",
      `the branch ${pull.head} still has the pull request of change ${other.change}: it is closed before this one is opened`,
    );
  // Without a pull request, the branch may have been removed there since it was pushed.
  if (number === undefined || pull.sha !== row.sha) {
    const refused = await push(followed, row, pull);
    if (refused === "moved") return refused;
    if (refused !== undefined) return giveBack(followed, row, refused.why);
  }
  const text = pullText(row, repo.settings.forge_text);
  const told = digestOf(text);
  try {
    if (number === undefined) {
      await context.failpoint("pull_open");
      if (!isOffered(followed, row)) return "moved";
      const opened = await api.open({ head: pull.head, base: row.base }, text);
      await context.failpoint("pull_opened");
      await note(followed, { ...numbered(api, opened), told, failed: null }, "pull_request_opened");
    } else if (!isOffered(followed, row)) {
      return "moved";
    } else if (context.store.pulls.of(id)?.told !== told) {
      await api.describe(number, text);
      await context.failpoint("pull_described");
      await note(followed, { told, failed: null }, "pull_request_updated");
    }
  } catch (error) {
    if (!(error instanceof ForgeRefusal)) throw error;
    return giveBack(followed, row, error.message);
  }
  return "offered";
}

/**
 * Pushes the commit of a change to the branch of its pull request. Resolves with the upstream's words if it refuses, and
 * with `moved` if the change was another one before it was pushed.
 */
async function push(followed: Followed, row: ChangeRecord, pull: PullRecord): Promise<{ why: string } | "moved" | undefined> {
  const { context, remotes, repo, stop } = followed;
  const known = [...(pull.sha === null ? [] : [pull.sha]), ...context.store.pulls.pushedTo(repo.name, pull.head)];
  const move = (from: string | undefined) =>
    remotes.push(repo, { ref: HEADS + pull.head, from, to: row.sha, isRewrite: true }, stop);
  await context.failpoint("pull_push");
  if (!isOffered(followed, row)) return "moved";
  let pushed = await move(known[0]);
  // The branch of an earlier pull request may have been removed there, or stand where that one ended.
  if (pushed.end === "lost" && (pushed.now === undefined || known.includes(pushed.now))) {
    if (!isOffered(followed, row)) return "moved";
    pushed = await move(pushed.now);
  }
  await context.failpoint("pull_pushed");
  if (pushed.end === "refused") return { why: `the upstream refuses the branch ${pull.head}: ${pushed.why}` };
  if (pushed.end === "lost")
    return {
      why: `others have pushed to the branch ${pull.head} of the upstream, at ${pushed.now ?? "an unknown commit"}: take their commits or remove the branch there, then try again`,
    };
  await note(followed, { sha: row.sha });
  return undefined;
}

/** Closes a pull request whose change has no use for it any more. */
async function withdraw(followed: Followed, number: number | undefined): Promise<FollowEnd> {
  if (number !== undefined) {
    const there = await followed.api.close(number);
    await followed.context.failpoint("pull_closed");
    // It may have been merged in this moment.
    if (there.state === "merged") return "again";
  }
  const { context, id } = followed;
  return context.store.write<FollowEnd>((tx) => {
    // It may have been approved again in this moment: it gets another one then.
    const isAgain = context.store.changes.byId(id)?.state === "in_pull_request";
    put(
      followed,
      tx,
      { ...(isAgain ? { ...UNKNOWN, state: "opening" } : { state: "closed" }), failed: null },
      "pull_request_closed",
    );
    return isAgain ? "again" : "done";
  });
}

/** Someone has closed it there: its owner has the change back, unless it has ended or has a newer round. */
async function closed(followed: Followed, number: number, how: string): Promise<FollowEnd> {
  const { context, changes, api, id } = followed;
  await context.store.write((tx) => {
    put(followed, tx, { state: "closed", failed: null }, "pull_request_closed");
    if (context.store.changes.byId(id)?.state !== "in_pull_request") return;
    const words = `the pull request ${number} ${how}: ${api.page(number)}`;
    changes.move(tx, id, "return", SYSTEM, { note: words });
  });
  return "done";
}

/** It was merged there: fetches the base, and stores that the change is merged. */
async function merged(followed: Followed, there: Pulled): Promise<FollowEnd> {
  const { context, changes, repositories, upstreams, repo, api, id, stop } = followed;
  const { store, git, failpoint } = context;
  await failpoint("pull_merged");
  await upstreams.fetch(repo.name, { signal: stop });
  await failpoint("pull_fetched");
  const row = changes.get(id);
  const tip = await upstreams.tip(repo.name, row.base);
  const isThere =
    there.mergedAs !== undefined &&
    tip !== undefined &&
    (await isContained(git, repo.name, there.mergedAs, tip).catch(() => {
      // Git does not have that commit: the fetch did not bring it.
      return false;
    }));
  const isFor = there.base === row.base;
  if (isFor && !isThere)
    throw new HiveError(
      "unavailable",
      `the pull request ${there.number} is merged, and ${row.base} of the upstream does not contain it yet: the hive fetches again`,
    );
  const earlier = await refObjects(repositories.folder(repo.name), `refs/changes/${id}/`);
  // Also with commits of others on top of it: what was pushed last says which round it was.
  const isEarlier = there.head !== row.sha && (store.pulls.of(id)?.sha !== row.sha || [...earlier.values()].includes(there.head));
  const words = `merged as pull request ${there.number}: ${api.page(there.number)}`;
  const end = await store.write<FollowEnd>((tx) => {
    const now = changes.get(id);
    if (isFor && isEarlier && !isChangeOver(now.state)) {
      // What was merged is an earlier round. The newer one gets a pull request of its own, once it is approved.
      const isNext = now.state === "in_pull_request";
      put(followed, tx, isNext ? { ...UNKNOWN, state: "opening" } : { state: "merged", failed: null }, "pull_request_merged");
      changes.note(tx, id, { note: `an earlier round was ${words}` });
      return isNext ? "again" : "done";
    }
    put(followed, tx, { state: "merged", failed: null }, "pull_request_merged");
    if (!isFor && changeAfter(now.state, "orphan") !== undefined)
      changes.move(tx, id, "orphan", SYSTEM, {
        reason: `it was ${words}, into ${oneLine(there.base)} and not into ${row.base}`.slice(0, MAX_REASON_CHARS),
      });
    else if (isFor && changeAfter(now.state, "land") !== undefined)
      changes.move(tx, id, "land", SYSTEM, { merged_sha: there.mergedAs ?? null, note: words, reason: null });
    else if (isFor && changeAfter(now.state, "withdraw") !== undefined) changes.note(tx, id, { note: words });
    return "done";
  });
  followed.onMerged(repo.name);
  return end;
}

/** What only someone else can change: the owner has the change back, and it can be tried again. A newer round has not. */
async function giveBack(followed: Followed, { sha }: Pick<ChangeRecord, "sha">, why: string): Promise<"offered" | "moved"> {
  const { context, changes, id } = followed;
  const reason = why.slice(0, MAX_REASON_CHARS);
  return context.store.write((tx) => {
    if (context.store.changes.byId(id)?.sha !== sha) return "moved";
    put(followed, tx, { failed: reason });
    if (changeAfter(changes.get(id).state, "fail_push") !== undefined) changes.move(tx, id, "fail_push", SYSTEM, { reason });
    return "offered";
  });
}

/** Stores the mark of an answer. It is not shown, so the change does not move: that would be a reason to look again. */
function keepMark({ context: { store }, id }: Followed, etag: string | null): Promise<void> {
  return store.write(() => {
    const pull = store.pulls.of(id);
    if (pull !== undefined) store.pulls.put({ ...pull, etag });
  });
}

/** Stores facts of a pull request with the event of its change. */
function note(followed: Followed, patch: Partial<PullRecord>, kind?: string): Promise<void> {
  return followed.context.store.write((tx) => put(followed, tx, patch, kind));
}

/** Changes the row of a pull request, if it is still there. Only inside a write. `kind` adds a line to the audit trail. */
function put({ context, changes, api, id }: Followed, tx: Tx, patch: Partial<PullRecord>, kind?: string): void {
  const { store, now } = context;
  const before = store.pulls.of(id);
  // The repository may have been removed meanwhile, with its changes.
  if (before === undefined) return;
  const next = { ...before, ...patch };
  store.pulls.put(next);
  const row = changes.note(tx, id, {});
  if (kind === undefined) return;
  const number = before.number ?? next.number;
  const detail = {
    change: id,
    repo: row.repo,
    base: row.base,
    branch: next.head,
    ...(number === null ? {} : { pull: number, url: api.page(number) }),
  };
  store.ledger.audit(store.nextSeq(), { at: now(), actor: SYSTEM, kind, agent: row.agent_name, detail });
}

const digestOf = ({ title, body }: PullText): string => createHash("sha256").update(`${title}\0${body}`).digest("hex");

/**
 * Follows a pull request as one of another program: the operator has corrected which one the host runs. The number was
 * that of the other one, so the pull request is looked for anew.
 */
export async function changeForge(
  { context, changes }: Pick<FollowParts, "context" | "changes">,
  id: number,
  forge: Forge,
): Promise<void> {
  const { store } = context;
  await store.write((tx) => {
    const pull = store.pulls.of(id);
    if (pull === undefined || !isLive(pull) || pull.forge === forge) return;
    store.pulls.put({ ...pull, ...UNKNOWN, forge, state: "opening" });
    changes.note(tx, id, {});
  });
}

/** Shows why the last look at a pull request did not work. */
export async function noteFailure(
  { context, changes }: Pick<FollowParts, "context" | "changes">,
  id: number,
  error: HiveError,
): Promise<void> {
  const { store } = context;
  const failed = error.message.slice(0, MAX_REASON_CHARS);
  await store.write((tx) => {
    const pull = store.pulls.of(id);
    if (pull === undefined || !isLive(pull) || pull.failed === failed) return;
    store.pulls.put({ ...pull, failed });
    changes.note(tx, id, {});
  });
}
