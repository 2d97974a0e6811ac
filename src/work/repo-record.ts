import type { QueueHolds, RepoRecord } from "../store/repositories.ts";
import type { HostKey } from "../wire/remote.ts";
import { DEFAULT_REPO_SETTINGS, type RepoSettings } from "../wire/work.ts";

/** A repository as the rest of the daemon knows it, and its row. */

/** A folder of the host that a repository follows. */
export interface FolderUpstream {
  kind: "folder";
  folder: string;
  owner: { uid: number; gid: number };
  nonce: string;
}

/** A repository on another host that a repository follows. */
export interface RemoteUpstream extends RemoteFacts {
  kind: "remote";
  address: string;
}

/** What is kept of a remote besides its address. Its credential is a file: `remote/credentials.ts`. */
export interface RemoteFacts {
  /** The private address that the operator has allowed; the only one that is connected to. Absent for public hosts. */
  pinned?: string;
  /** Certificates of an authority that is trusted besides those of the system. PEM. */
  ca?: string;
  /** For ssh: the key of the host that the operator has confirmed. */
  hostKey?: HostKey;
}

export type Upstream = FolderUpstream | RemoteUpstream;

/** Where an upstream is, for people: its folder or its address. */
export const placeOf = (upstream: Upstream): string => (upstream.kind === "folder" ? upstream.folder : upstream.address);

/** True if a base moves only once its upstream has it: the push is the compare-and-swap of a merge. */
export const pushesFirst = ({ upstream, settings }: Pick<Repo, "upstream" | "settings">): boolean =>
  upstream?.kind === "remote" && settings.push !== "never";

/** True if a change is merged onto what the upstream has by then: another host moves the base, not the hive alone. */
export const fetchesFirst = (repo: Pick<Repo, "upstream" | "settings">): boolean =>
  pushesFirst(repo) || (repo.upstream?.kind === "remote" && repo.settings.forge !== "none");

/** A repository of the hive. */
export interface Repo {
  readonly name: string;
  readonly settings: RepoSettings;
  readonly upstream: Upstream | undefined;
  readonly holds: QueueHolds;
  readonly bytes: number;
  readonly createdAt: number;
}

export function fromRow(row: RepoRecord): Repo {
  return {
    name: row.name,
    settings: { ...DEFAULT_REPO_SETTINGS, ...(JSON.parse(row.settings) as RepoSettings) },
    upstream: upstreamOf(row),
    holds: JSON.parse(row.queues) as QueueHolds,
    bytes: row.bytes,
    createdAt: row.created_at,
  };
}

function upstreamOf(row: RepoRecord): Upstream | undefined {
  const { upstream: place, remote, upstream_uid: uid, upstream_gid: gid, upstream_nonce: nonce } = row;
  if (place === null) return undefined;
  if (remote !== null) return { kind: "remote", address: place, ...(JSON.parse(remote) as RemoteFacts) };
  if (uid === null || gid === null || nonce === null) return undefined;
  return { kind: "folder", folder: place, owner: { uid, gid }, nonce };
}

export function toRow(repo: Repo): RepoRecord {
  const { upstream } = repo;
  const folder = upstream?.kind === "folder" ? upstream : undefined;
  return {
    name: repo.name,
    settings: JSON.stringify(repo.settings),
    upstream: upstream === undefined ? null : placeOf(upstream),
    upstream_uid: folder?.owner.uid ?? null,
    upstream_gid: folder?.owner.gid ?? null,
    upstream_nonce: folder?.nonce ?? null,
    remote: upstream?.kind === "remote" ? factsOf(upstream) : null,
    queues: JSON.stringify(repo.holds),
    bytes: repo.bytes,
    created_at: repo.createdAt,
  };
}

function factsOf({ kind: _kind, address: _address, ...facts }: RemoteUpstream): string {
  return JSON.stringify(facts satisfies RemoteFacts);
}
