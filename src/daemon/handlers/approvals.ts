import { hivectl } from "../../lib/hivectl.ts";
import { isBeforeBuilt } from "../../wire/request-states.ts";
import { lastLines, linesAfter } from "../log-file.ts";
import { check } from "../../deploys/check.ts";
import { checkWork } from "../../work/check.ts";
import { auditRows, dependants, deployRows, ledgerInputs } from "../../deploys/history.ts";
import { readDiff, readPatchPart } from "../../deploys/request-diff.ts";
import type { ApprovalRecord } from "../../store/approvals.ts";
import { approvalRow, type Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import { MANAGER } from "../../wire/names.ts";
import type { Output } from "../../wire/operations.ts";
import { actorOf, mayMount } from "./caller.ts";
import { listing } from "../listings.ts";
import { each, namesIn } from "./lifecycle.ts";
import type { CallerContext, HandlerContext, Handlers } from "./types.ts";

type Names =
  | "pending"
  | "approvals"
  | "show"
  | "show_file"
  | "approve"
  | "deny"
  | "cancel_request"
  | "build_log"
  | "request_spawn"
  | "request_apply_commit"
  | "propose"
  | "rollback"
  | "rebuild"
  | "update"
  | "deploy_force"
  | "deploys"
  | "meta"
  | "meta_update"
  | "audit"
  | "check";

const NEWEST = Number.MAX_SAFE_INTEGER;

/** The commit that a diff starts from. */
async function baseOf(context: HandlerContext, id: number, base: string): Promise<Sha | undefined> {
  const row = context.deploys.requestStore.get(id);
  if (base === "decision") return context.deploys.requestStore.base(row);
  if (base === "running") return context.deploys.requestStore.running(row);
  if (base === "requested") return row.base_sha ?? undefined;
  const repo = context.repos.applied(row.name);
  if (base === "parent") return repo.firstParent(row.sha);
  if (!(await repo.has(base))) throw new HiveError("not_found", `base: there is no commit ${base} of ${row.name}`);
  return base;
}

/** The answer to a proposal that was checked. */
function askedFor(context: HandlerContext, row: ApprovalRecord): Output<"propose"> {
  const { risks } = context.deploys.requestStore.view(row);
  return { request: row.id, ...(row.error === null ? {} : { refused: row.error }), risks };
}

/** Queues rebuilds. With `wait`, each result says how its deploy ended. */
function rebuildAll(
  context: HandlerContext,
  names: string[],
  caller: CallerContext,
  { wait, always, note }: { wait: boolean; always?: boolean; note?: string | undefined },
): ReturnType<typeof each> {
  return each(context, names, caller, async (agent) => {
    const finished = context.deploys.autoUpdate.ask(agent, actorOf(caller), { always: always === true, note });
    // The queue logs its failure.
    if (!wait) return void finished.catch(() => {});
    const row = await finished;
    if (row === undefined || row.state === "deployed") return row && { request: row.id };
    return { ok: false, request: row.id, error: row.error ?? `request ${row.id} is ${row.state}` };
  });
}

export const approvalHandlers: Pick<Handlers, Names> = {
  pending: (context) => ({
    approvals: context.store.approvals.open().map((row) => approvalRow(context.deploys.requestStore.view(row))),
  }),
  approvals(context, input) {
    const { approvals } = context.store;
    const before = input.before ?? NEWEST;
    const rows =
      input.open === true
        ? (input.agent === undefined ? approvals.open() : approvals.openOf(input.agent))
            .filter((row) => row.id < before)
            .reverse()
        : input.agent === undefined
          ? approvals.newest(before, input.limit + 1)
          : approvals.newestOf(input.agent, before, input.limit + 1);
    const { rows: shown, ...end } = listing(rows, (row) => context.deploys.requestStore.view(row), input);
    return { approvals: shown, ...end };
  },
  async show(context, input) {
    const row = context.deploys.requestStore.get(input.id);
    // The view has the digest at the time at which the base is read, because the running commit may change meanwhile.
    const approval = context.deploys.requestStore.view(row);
    const base = await baseOf(context, input.id, input.base);
    const files = await readDiff(context.deploys.context, row, base);
    const cut = files.some((file) => file.cut);
    return { approval, ...(base === undefined ? {} : { base_sha: base }), files, cut };
  },
  async show_file(context, input) {
    const row = context.deploys.requestStore.get(input.id);
    return readPatchPart(context.deploys.context, row, await baseOf(context, input.id, input.base), input);
  },

  async approve(context, input, caller) {
    const isBrowser = caller.kind === "operator" && caller.browser !== undefined;
    const row = await context.deploys.decisions.approve(input.id, input, {
      by: actorOf(caller),
      digestNeeded: isBrowser,
      mayMount: mayMount(caller),
    });
    return { approval: context.deploys.requestStore.view(row) };
  },
  async deny(context, input, caller) {
    const row = await context.deploys.decisions.deny(input.id, input.note, actorOf(caller));
    return { approval: context.deploys.requestStore.view(row) };
  },
  async cancel_request(context, input, caller) {
    return {
      approval: context.deploys.requestStore.view(await context.deploys.decisions.cancel(input.request, actorOf(caller), input)),
    };
  },
  build_log(context, input) {
    const { state } = context.deploys.requestStore.get(input.id);
    const file = context.paths.buildLog(input.id);
    if (input.after === undefined) return lastLines(file, input.lines);
    return linesAfter(file, input.after, { complete: !isBeforeBuilt(state) });
  },

  async request_spawn(context, input, caller) {
    const { repos, ...rest } = input;
    const config = repos === undefined ? undefined : { repos };
    const row = await context.deploys.requests.spawn({ ...rest, config, by: actorOf(caller), origin: "request" });
    return { request: row.id, risks: context.deploys.requestStore.view(row).risks };
  },
  async request_apply_commit(context, input, caller) {
    if (input.agent === MANAGER)
      throw new HiveError("forbidden", `${MANAGER} cannot change itself: ask the operator, who can propose it`);
    const row = await context.deploys.requests.applyCommit({ ...input, by: actorOf(caller), origin: "request" });
    return askedFor(context, row);
  },
  async propose(context, input, caller) {
    const { agent, commit, files, description, note } = input;
    const about = { agent, description, note, by: actorOf(caller) };
    const row =
      commit === undefined
        ? await context.deploys.requests.proposeFiles({ ...about, files: files ?? [] })
        : await context.deploys.requests.applyCommit({ ...about, commit, origin: "proposal" });
    return askedFor(context, row);
  },

  rollback: async (context, { agent, id, note }, caller) => ({
    request: (await context.deploys.requests.rollback(agent, id, actorOf(caller), { note, mayMount: mayMount(caller) })).id,
  }),
  rebuild: async (context, { name, note }, caller) => ({
    request: (await context.deploys.requests.rebuild(context.swarm.byName(name), actorOf(caller), { note })).id,
  }),
  update: (context, input, caller) => rebuildAll(context, namesIn(context, input.scope, caller), caller, input),
  deploy_force(context, input) {
    context.deploys.deploys.force(input.id);
    return { approval: context.deploys.requestStore.view(context.deploys.requestStore.get(input.id)) };
  },

  deploys(context, input) {
    const { rows: deploys, ...end } = deployRows(context.deploys.context, input);
    return { deploys, ...end };
  },
  async meta(context) {
    const head = await context.repos.meta.head();
    const inputs = await ledgerInputs(context.deploys.context);
    return { ...(head === undefined ? {} : { head }), inputs };
  },
  async meta_update(context, input, caller) {
    const inputs = await ledgerInputs(context.deploys.context);
    const unknown = input.inputs.filter((name) => !dependants(inputs, name));
    const why = (name: string): string => `the ledger has no input ${JSON.stringify(name)}: ${hivectl("meta")} lists them`;
    if (unknown.length === input.inputs.length) throw new HiveError("not_found", unknown.map(why).join("; "));
    const names = new Set(input.inputs.flatMap((name) => dependants(inputs, name) ?? []));
    const { results } = await rebuildAll(context, [...names], caller, { ...input, always: true });
    // An unknown input does not stop the others from being updated.
    return { results: [...results, ...unknown.map((name) => ({ name, ok: false, error: why(name) }))] };
  },

  audit(context, input) {
    const { rows: entries, ...end } = auditRows(context.deploys.context, input);
    return { entries, ...end };
  },
  async check(context, { all }) {
    const deployed = await check(context.deploys.context);
    const which = all ? { compared: Infinity } : {};
    const findings = [...deployed, ...(await checkWork(context.work.context, context.work.repositories, which))];
    return { holds: findings.every((one) => one.ok), findings };
  },
};
