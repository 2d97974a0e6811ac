import type { Sha } from "../wire/approval.ts";
import { hivectl } from "../lib/hivectl.ts";
import { isBeingMerged } from "../wire/change-states.ts";
import { instant } from "../wire/instant.ts";
import type { FetchRecord } from "../store/repositories.ts";
import type { PushView, QueueView, RemoteView, RepoView } from "../wire/work.ts";
import { placeOf, type RemoteUpstream, type Repo } from "./repo-record.ts";
import { accessOf, type WorkContext } from "./work-context.ts";

/** A repository as its pages and `hivectl` show it. */

/** What the daemon knows of a repository besides its row. */
interface Known {
  tips: ReadonlyMap<string, Sha>;
  /** What is known of the branches `hive/<base>` of its upstream, by base. */
  pushes: ReadonlyMap<string, Omit<PushView, "base">>;
  /** How the last fetch from another host ended. */
  fetch: FetchRecord | undefined;
  /** What the removal of unneeded objects does now. */
  collecting: string | undefined;
  /** Why it cannot be read. */
  damage: string | undefined;
}

/** What is wrong with a repository that cannot be read, and what to do. */
export const remedyFor = (name: string, damage: string): string =>
  `cannot be read (${damage}): restore its folder from a backup and restart the hive, or ${hivectl(`repo remove ${name}`)}`;

export function viewOf(repo: Repo, context: WorkContext, { tips, pushes, fetch, collecting, damage }: Known): RepoView {
  const declared = context.declared.placeOf(repo.name);
  return {
    name: repo.name,
    ...repo.settings,
    ...(declared === undefined ? {} : { declared }),
    ...(repo.upstream ? { upstream: placeOf(repo.upstream) } : {}),
    ...(repo.upstream?.kind === "remote" ? { remote: remoteView(repo.name, repo.upstream, fetch, context) } : {}),
    created_at: instant(repo.createdAt),
    bases: [...tips].map(([name, sha]) => ({ name, sha })),
    agents: context.agents.all().flatMap((agent) => {
      const access = accessOf(agent, repo.name);
      return access === undefined ? [] : [{ name: agent.name, access }];
    }),
    bytes: repo.bytes,
    ...(collecting === undefined ? {} : { collecting }),
    queues: damage === undefined ? queuesOf(repo, context) : [unreadQueue(repo, damage)],
    pushes: repo.settings.push === "never" ? [] : [...pushes].map(([base, push]) => ({ base, ...push })),
  };
}

function remoteView(
  name: string,
  { pinned, ca, hostKey }: RemoteUpstream,
  fetch: FetchRecord | undefined,
  { credentials, forgeCredentials }: WorkContext,
): RemoteView {
  return {
    ...credentials.shownOf(name),
    ...(fetch === undefined || fetch.at === 0 ? {} : { fetched_at: instant(fetch.at) }),
    ...(fetch === undefined || fetch.failed === null ? {} : { failed: fetch.failed }),
    ...(pinned === undefined ? {} : { private_address: pinned }),
    ...(ca === undefined ? {} : { own_authority: true }),
    ...(hostKey === undefined ? {} : { host_key: hostKey }),
    ...(forgeCredentials.shownOf(name).credential === "none" ? {} : { forge_token: true }),
  };
}

const unreadQueue = (repo: Repo, damage: string): QueueView => ({
  base: repo.settings.base,
  state: "stopped",
  reason: `the repository ${remedyFor(repo.name, damage)}`,
  waiting: [],
});

/** The queues that have something to show: held ones, and those with changes. */
function queuesOf(repo: Repo, { store }: WorkContext): QueueView[] {
  const rows = store.changes
    .open()
    .filter((row) => row.repo === repo.name && (row.state === "queued" || isBeingMerged(row.state)));
  const bases = new Set([...rows.map(({ base }) => base), ...Object.keys(repo.holds)]);
  return [...bases].map((base) => {
    const hold = repo.holds[base];
    const current = rows.find((row) => row.base === base && isBeingMerged(row.state));
    const waiting = rows
      .filter((row) => row.base === base && row.state === "queued")
      .sort((a, b) => (a.queued_at ?? 0) - (b.queued_at ?? 0) || a.id - b.id);
    return {
      base,
      state: hold ? (hold.by === "operator" ? "paused" : "stopped") : current ? "busy" : "idle",
      ...(hold ? { reason: hold.reason } : {}),
      ...(hold?.diverged ? { diverged: true } : {}),
      ...(current ? { change: current.id, since: instant(current.updated_at) } : {}),
      waiting: waiting.map(({ id }) => id),
    };
  });
}
