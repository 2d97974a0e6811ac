import { BranchName, type RepoSettings } from "../../wire/work.ts";
import { HiveError } from "../../wire/error.ts";
import { instant } from "../../wire/instant.ts";
import { withProgress } from "../progress-stream.ts";
import { actorOf, operatorOf } from "./caller.ts";
import { listing, repoListing } from "../listings.ts";
import type { Handlers } from "./types.ts";

type Names =
  | "repos"
  | "repo"
  | "repo_create"
  | "repo_add"
  | "repo_add_remote"
  | "repo_login"
  | "repo_new_key"
  | "repo_host_key"
  | "repo_trust"
  | "repo_fetch"
  | "repo_divergence"
  | "repo_reconcile"
  | "repo_push"
  | "repo_set"
  | "repo_remove"
  | "repo_gc"
  | "repo_includes"
  | "repo_include"
  | "repo_include_remove"
  | "repo_token"
  | "queue_pause";

/** Time to ask a host for its key. Milliseconds. */
const HOST_KEY_MS = 60_000;

/** Only the settings that were given. */
function given({ name: _name, ...rest }: { name: string }): Partial<RepoSettings> {
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
}

/** Throws if a repository has no such base. */
function checkBase(name: string, base: string, bases: readonly string[]): void {
  if (!bases.includes(base))
    throw new HiveError("not_found", `${name} has no branch ${base}: it has ${bases.slice(0, 10).join(", ")}`);
}

interface Branch {
  agent: string;
  branch: string;
}
const before = (a: string, b: string): number => Number(a > b) - Number(a < b);
const order = (a: Branch, b: Branch): number => before(a.agent, b.agent) || before(a.branch, b.branch);

export const repositoryHandlers: Pick<Handlers, Names> = {
  repos({ work: { repositories } }, input) {
    const { rows: repos, ...end } = repoListing(repositories, input);
    return { repos, ...end };
  },
  async repo(context, { name, after }) {
    const { repositories } = context.work;
    // Pushes and merges do not measure, so the size is read when it is shown.
    await repositories.measure(name);
    const repo = repositories.get(name);
    const all = context.store.repositories.branches(name).map((row) => ({
      agent: context.directory.nameOf(row.agent),
      branch: row.branch,
      sha: row.sha,
      pushed_at: instant(row.pushed_at),
    }));
    const rest = all.filter((one) => after === undefined || order(one, after) > 0).sort(order);
    const { rows: branches, ...end } = listing(rest, (one) => one);
    return { repo: repositories.view(repo), branches, ...end };
  },
  async repo_create({ work: { repositories } }, input, caller) {
    return { repo: repositories.view(await repositories.create(input.name, given(input), undefined, actorOf(caller))) };
  },
  async *repo_add({ work: { repositories, upstreams } }, input, caller) {
    const { folder, nonce, ...settings } = input;
    const steps = withProgress(caller, (signal, report: (words: string) => void) =>
      upstreams.add(input.name, { folder, nonce }, given(settings), { signal, report, by: actorOf(caller) }),
    );
    for await (const step of steps) yield "progress" in step ? step : { repo: repositories.view(step.result) };
  },
  async *repo_add_remote({ work: { repositories, upstreams } }, input, caller) {
    const { address, token, key, own_key: isOwnKey = false, host_key: hostKey, private: isPrivate, ca, ...others } = input;
    const { forge_token: ownForgeToken, ...settings } = others;
    const remote = { address, token, key, isOwnKey, hostKey, private: isPrivate, ca, forgeToken: ownForgeToken };
    const steps = withProgress(caller, (signal, report: (words: string) => void) =>
      upstreams.addRemote(input.name, remote, given(settings), {
        signal,
        report,
        by: actorOf(caller),
      }),
    );
    for await (const step of steps) yield "progress" in step ? step : { repo: repositories.view(step.result) };
  },
  async repo_login({ work: { repositories, upstreams, pulls } }, { name, ...login }, caller) {
    await upstreams.logIn(name, login, actorOf(caller));
    pulls.kick(name, { isNewToken: true });
    return { repo: repositories.view(repositories.get(name)) };
  },
  async repo_new_key({ work: { upstreams } }, { name, address }) {
    return { public_key: await upstreams.ownKey(name, address) };
  },
  repo_host_key({ work: { upstreams } }, { name, address, private: isPrivate, fingerprint }) {
    const place = name === undefined ? address !== undefined && { address, private: isPrivate } : { name };
    if (place === false) throw new HiveError("bad_request", "give an address or the name of a repository");
    return upstreams.hostKey(place, fingerprint, AbortSignal.timeout(HOST_KEY_MS));
  },
  async repo_trust({ work: { repositories, upstreams } }, { name, host_key: hostKey }, caller) {
    await upstreams.trust(name, hostKey, actorOf(caller));
    return { repo: repositories.view(repositories.get(name)) };
  },
  async repo_fetch({ work: { repositories, upstreams, pulls, pushes, queue } }, { name, nonce }, caller) {
    const fetched = await upstreams.fetch(name, { nonce, by: actorOf(caller) });
    // A base that has diverged no longer is not held any more.
    queue.kickAll(name);
    pushes.kick(name);
    pulls.kick(name);
    await repositories.measure(name);
    return { repo: repositories.view(repositories.get(name)), ...fetched };
  },
  repo_divergence: ({ work: { divergences } }, { name, base }) => divergences.view(name, base),
  async repo_reconcile({ work: { repositories, divergences, pushes, queue } }, { name, ...wish }, caller) {
    try {
      const done = await divergences.reconcile(name, wish, actorOf(caller));
      return { repo: repositories.view(repositories.get(name)), ...done };
    } finally {
      // Also after a refusal: the fetch before it may have ended a divergence.
      queue.kickAll(name);
      pushes.kick(name);
    }
  },
  async repo_push({ work: { repositories, pushes } }, { name, base }, caller) {
    const done = await pushes.push(name, base, actorOf(caller));
    return { repo: repositories.view(repositories.get(name)), ...done };
  },
  async repo_set({ work: { repositories, pushes, pulls, queue } }, input, caller) {
    const { base } = input;
    const repo = repositories.get(input.name);
    const bases = [...repositories.tips(repo.name).keys()];
    // An empty repository may get any.
    if (base !== undefined && bases.length > 0) checkBase(repo.name, base, bases);
    const set = await repositories.set(input.name, { settings: given(input) }, { by: actorOf(caller) });
    pushes.kick(input.name);
    pulls.kick(input.name);
    queue.settingsChanged(input.name);
    return { repo: repositories.view(set) };
  },
  async repo_remove({ backups, work: { context, repositories, queue, pulls } }, { name }, caller) {
    context.declared.refuse(name, "remove it");
    backups.refuseWhileTaking("remove the repository");
    await repositories.remove(name, actorOf(caller));
    await Promise.all([queue.forget(name), pulls.forget(name)]);
    return {};
  },
  repo_gc({ backups, work: { collector } }, { name, now, dry_run }, caller) {
    if (dry_run) return collector.estimate(name);
    backups.refuseWhileTaking("remove objects");
    return collector.run(name, { now, by: actorOf(caller) });
  },
  repo_includes: ({ work: { includes } }, { name }) => ({ files: includes.list(name) }),
  async repo_include({ deploys, work: { includes } }, { name, ...file }, caller) {
    const stored = await includes.put(name, file, actorOf(caller));
    await deploys.marksChanged();
    return { file: stored };
  },
  async repo_include_remove({ deploys, work: { includes } }, { name, path }, caller) {
    await includes.remove(name, path, actorOf(caller));
    await deploys.marksChanged();
    return {};
  },
  repo_token(context, { name }, caller) {
    context.work.repositories.get(name);
    const { token, expiresAt } = context.repoTokens.issue(name, operatorOf(caller).name);
    return { url: `${context.urls.home}/git/${name}`, token, expires_at: instant(expiresAt) };
  },
  async queue_pause({ work: { repositories, queue } }, { name, base, paused }, caller) {
    const repo = repositories.get(name);
    const which = base ?? BranchName.parse(repo.settings.base);
    // A queue that is held can go on, whatever became of its base.
    if (paused) checkBase(name, which, [...new Set([repo.settings.base, ...repositories.tips(name).keys()])]);
    if (paused) await queue.pause(name, which, actorOf(caller));
    else await queue.resume(name, which, actorOf(caller));
    return { repo: repositories.view(repositories.get(name)) };
  },
};
