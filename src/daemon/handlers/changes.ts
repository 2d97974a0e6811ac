import type { ChangeRecord } from "../../store/changes.ts";
import { mayPrint } from "../../wire/change-checks.ts";
import { HiveError } from "../../wire/error.ts";
import { OPERATOR } from "../../wire/names.ts";
import type { Output } from "../../wire/operations.ts";
import { commentView } from "../../work/change-reader.ts";
import { patchPart } from "../../diffs/patch-text.ts";
import { lastLines, linesAfter } from "../log-file.ts";
import { actorOf, agentOf } from "./caller.ts";
import { listing } from "../listings.ts";
import type { HandlerContext, Handlers } from "./types.ts";

type Names =
  | "propose_change"
  | "list_changes"
  | "withdraw_change"
  | "review_change"
  | "changes"
  | "change"
  | "change_file"
  | "change_approve"
  | "change_deny"
  | "change_comment"
  | "change_comment_drop"
  | "change_comment_resolve"
  | "change_return"
  | "change_retry"
  | "change_dequeue"
  | "change_to_front"
  | "change_revert"
  | "change_log";

const NEWEST = Number.MAX_SAFE_INTEGER;

/** A change as an agent sees it. */
function rowOf({ work }: HandlerContext, row: ChangeRecord): Output<"propose_change">["change"] {
  const { id, repo, agent, branch, base, round, state, title, sha, reason, note, early_check } = work.changeStore.view(row);
  return {
    id,
    repo,
    agent,
    branch,
    base,
    round,
    state,
    title,
    sha,
    ...(reason === undefined ? {} : { reason }),
    ...(note === undefined ? {} : { note }),
    ...(early_check === undefined ? {} : { early_check }),
  };
}

const viewOf = ({ work }: HandlerContext, row: ChangeRecord) => ({ change: work.changeStore.view(row) });

export const changeHandlers: Pick<Handlers, Names> = {
  async propose_change(context, input, caller) {
    const { changes, decisions, changeStore } = context.work;
    const row = await changes.propose(agentOf(caller).agent, input);
    await decisions.byPolicy(row);
    return { change: rowOf(context, changeStore.get(row.id)) };
  },
  list_changes(context, input, caller) {
    const { agent } = agentOf(caller);
    const repos = agent.config.repos.map(({ name }) => name).filter((name) => name === (input.repo ?? name));
    const by = input.mine ? agent.name : undefined;
    const rows = context.store.changes.newest({ repos, agent: by, before: input.before ?? NEWEST });
    const { rows: changes, ...end } = listing(rows, (row) => rowOf(context, row), input);
    return { changes, ...end };
  },
  async withdraw_change(context, input, caller) {
    const by = caller.kind === "agent" ? caller.agent : { id: OPERATOR, name: actorOf(caller) };
    return { change: rowOf(context, await context.work.changes.withdraw(input.change, by, input.note)) };
  },
  async review_change(context, input, caller) {
    return { change: rowOf(context, await context.work.decisions.review(agentOf(caller).agent, input)) };
  },

  changes(context, input) {
    const { repo, agent, before = NEWEST } = input;
    const isAsked = (row: ChangeRecord): boolean =>
      row.id < before && (repo ?? row.repo) === row.repo && (agent ?? row.agent_name) === row.agent_name;
    const rows = input.open
      ? context.store.changes.open().filter(isAsked).reverse()
      : context.store.changes.newest({ repos: repo === undefined ? undefined : [repo], agent, before });
    const { rows: changes, ...end } = listing(rows, (row) => context.work.changeStore.view(row), input);
    return { changes, ...end };
  },
  async change(context, input) {
    const { changeStore, changes } = context.work;
    const row = changeStore.get(input.change);
    const { from, diff } = await changes.diff(row, input.against);
    return {
      change: changeStore.view(row),
      ...(from === undefined ? {} : { base_sha: from }),
      files: changes.shown(row, diff),
      comments: context.store.changes.comments(row.id).map(commentView),
    };
  },
  async change_file(context, input) {
    const { changeStore, changes } = context.work;
    const row = changeStore.get(input.change);
    const { diff } = await changes.diff(row, input.against, input.path);
    const [file] = diff.files;
    if (file?.path !== input.path)
      throw new HiveError("not_found", `change ${row.id} does not change ${JSON.stringify(input.path)}`);
    return patchPart(file.hunks, input.after);
  },
  async change_approve(context, input, caller) {
    const isBrowser = caller.kind === "operator" && caller.browser !== undefined;
    return viewOf(
      context,
      await context.work.decisions.approve(input.change, input, { by: actorOf(caller), digestNeeded: isBrowser }),
    );
  },
  change_deny: async (context, input, caller) =>
    viewOf(context, await context.work.decisions.deny(input.change, input.note, actorOf(caller))),
  async change_comment(context, { change, text, ...place }, caller) {
    return { comment: commentView(await context.work.comments.draft(change, place, text, actorOf(caller))) };
  },
  async change_comment_drop(context, input) {
    await context.work.comments.drop(input.comment);
    return {};
  },
  async change_comment_resolve(context, input) {
    return { comment: commentView(await context.work.comments.resolve(input.comment, input.resolved)) };
  },
  change_return: async (context, input, caller) =>
    viewOf(context, await context.work.decisions.return(input.change, input.note, actorOf(caller))),
  change_retry: async (context, input, caller) =>
    viewOf(context, await context.work.decisions.retry(input.change, actorOf(caller))),
  async change_dequeue(context, input, caller) {
    await context.work.queue.dequeue(input.change, input.note, actorOf(caller));
    return viewOf(context, context.work.changeStore.get(input.change));
  },
  async change_to_front(context, input, caller) {
    await context.work.queue.toFront(input.change, actorOf(caller));
    return viewOf(context, context.work.changeStore.get(input.change));
  },
  change_revert: async (context, input, caller) =>
    viewOf(context, await context.work.reverts.propose(input.change, input.note, actorOf(caller))),
  change_log(context, input) {
    const change = context.work.changeStore.view(context.work.changeStore.get(input.change));
    const file = context.paths.changeLog(input.change);
    if (input.after === undefined) return lastLines(file, input.lines);
    return linesAfter(file, input.after, { complete: !mayPrint(change) });
  },
};
