import { check } from "../../deploys/check.ts";
import { auditRows, dependants, deployRows, metaInputs } from "../../deploys/history.ts";
import { lookAt, lookInto } from "../../deploys/look.ts";
import { approvalRow, type Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import { MANAGER, OPERATOR } from "../../wire/names.ts";
import type { Hive } from "../system.ts";
import { each, namesIn } from "./lifecycle.ts";
import type { CallerContext, Handlers } from "./types.ts";

type Names =
  | "pending"
  | "approvals"
  | "show"
  | "show_file"
  | "approve"
  | "deny"
  | "cancel_request"
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

const by = (caller: CallerContext): string => (caller.kind === "operator" ? OPERATOR : caller.agent.name);

/** The commit that a diff starts from. */
async function baseOf(hive: Hive, id: number, base: string): Promise<Sha | undefined> {
  const row = hive.deploys.requestStore.get(id);
  if (base === "decision") return hive.deploys.requestStore.base(row);
  if (base === "running") return hive.deploys.requestStore.running(row);
  if (base === "requested") return row.base_sha ?? undefined;
  const repo = hive.repos.applied(row.name);
  if (base === "parent") return repo.firstParent(row.sha);
  if (!(await repo.has(base))) throw new HiveError("not_found", `base: there is no commit ${base} of ${row.name}`);
  return base;
}

/** Queues rebuilds; with `wait` each result says how its deploy ended. */
function rebuildAll(
  hive: Hive,
  names: string[],
  caller: CallerContext,
  { wait, always, note }: { wait: boolean; always?: boolean; note?: string | undefined },
): ReturnType<typeof each> {
  return each(hive, names, caller, async (agent) => {
    const settled = hive.deploys.autoUpdate.ask(agent, by(caller), { always: always === true, note });
    // Its failure is told to the log by the line that it waits in.
    if (!wait) return void settled.catch(() => {});
    const row = await settled;
    if (row === undefined || row.state === "deployed") return row && { request: row.id };
    return { ok: false, request: row.id, error: row.error ?? `request ${row.id} is ${row.state}` };
  });
}

export const approvalHandlers: Pick<Handlers, Names> = {
  pending: (hive) => ({ approvals: hive.store.approvals.open().map((row) => approvalRow(hive.deploys.requestStore.view(row))) }),
  approvals(hive, input) {
    const { approvals } = hive.store;
    const before = input.before ?? NEWEST;
    const rows =
      input.open === true
        ? (input.agent === undefined ? approvals.open() : approvals.openOf(input.agent))
            .filter((row) => row.id < before)
            .reverse()
            .slice(0, input.limit)
        : input.agent === undefined
          ? approvals.newest(before, input.limit)
          : approvals.newestOf(input.agent, before, input.limit);
    return { approvals: rows.map((row) => hive.deploys.requestStore.view(row)) };
  },
  async show(hive, input) {
    const row = hive.deploys.requestStore.get(input.id);
    // The digest is that of the moment at which the base is read: what runs may change while the diff is made.
    const approval = hive.deploys.requestStore.view(row);
    const base = await baseOf(hive, input.id, input.base);
    const files = await lookAt(hive.deploys.context, row.name, base, row.sha);
    const cut = files.some((file) => file.cut);
    return { approval, ...(base === undefined ? {} : { base_sha: base }), files, cut };
  },
  async show_file(hive, input) {
    const row = hive.deploys.requestStore.get(input.id);
    return lookInto(hive.deploys.context, row, await baseOf(hive, input.id, input.base), input);
  },

  async approve(hive, input, caller) {
    const isBrowser = caller.kind === "operator" && caller.browser === true;
    const row = await hive.deploys.requests.approve(input.id, input, isBrowser);
    return { approval: hive.deploys.requestStore.view(row) };
  },
  async deny(hive, input) {
    return { approval: hive.deploys.requestStore.view(await hive.deploys.requests.deny(input.id, input.note)) };
  },
  async cancel_request(hive, input, caller) {
    return { approval: hive.deploys.requestStore.view(await hive.deploys.requests.cancel(input.request, by(caller), input)) };
  },

  async request_spawn(hive, input, caller) {
    return { request: (await hive.deploys.requests.spawn({ ...input, by: by(caller), origin: "request" })).id };
  },
  async request_apply_commit(hive, input, caller) {
    if (input.agent === MANAGER)
      throw new HiveError("forbidden", `${MANAGER} cannot change itself: ask the operator, who can propose it`);
    const row = await hive.deploys.requests.applyCommit({ ...input, by: by(caller), origin: "request" });
    return { request: row.id, ...(row.error === null ? {} : { refused: row.error }) };
  },
  async propose(hive, input) {
    const { agent, commit, files, description, note } = input;
    const about = { agent, description, note, by: OPERATOR };
    const row =
      commit === undefined
        ? await hive.deploys.requests.proposeFiles({ ...about, files: files ?? [] })
        : await hive.deploys.requests.applyCommit({ ...about, commit, origin: "proposal" });
    return { request: row.id, ...(row.error === null ? {} : { refused: row.error }) };
  },

  rollback: async (hive, { agent, id, note }) => ({
    request: (await hive.deploys.requests.rollback(agent, id, OPERATOR, note)).id,
  }),
  rebuild: async (hive, { name, note }) => ({
    request: (await hive.deploys.requests.rebuild(hive.swarm.byName(name), OPERATOR, { note })).id,
  }),
  update: (hive, input, caller) => rebuildAll(hive, namesIn(hive, input.scope, caller), caller, input),
  deploy_force(hive, input) {
    hive.deploys.deploys.force(input.id);
    return { approval: hive.deploys.requestStore.view(hive.deploys.requestStore.get(input.id)) };
  },

  deploys: (hive, input) => ({ deploys: deployRows(hive.deploys.context, input) }),
  async meta(hive) {
    const head = await hive.repos.meta.head();
    const inputs = metaInputs(hive.deploys.context, await hive.repos.meta.ledger(head));
    return { ...(head === undefined ? {} : { head }), inputs };
  },
  async meta_update(hive, input, caller) {
    const inputs = metaInputs(hive.deploys.context, await hive.repos.meta.ledger(await hive.repos.meta.head()));
    const unknown = input.inputs.filter((name) => !dependants(inputs, name));
    const why = (name: string): string => `the ledger has no input ${JSON.stringify(name)}: \`hivectl meta\` lists them`;
    if (unknown.length === input.inputs.length) throw new HiveError("not_found", unknown.map(why).join("; "));
    const names = new Set(input.inputs.flatMap((name) => dependants(inputs, name) ?? []));
    const { results } = await rebuildAll(hive, [...names], caller, { ...input, always: true });
    // An input that is not known does not keep the others from being updated.
    return { results: [...results, ...unknown.map((name) => ({ name, ok: false, error: why(name) }))] };
  },

  audit: (hive, input) => ({ entries: auditRows(hive.deploys.context, input) }),
  async check(hive) {
    const findings = await check(hive.deploys.context);
    return { holds: findings.every((one) => one.ok), findings };
  },
};
