import type { QueueHolds, RepoRecord } from "../store/repositories.ts";
import { DEFAULT_REPO_SETTINGS, type RepoSettings } from "../wire/work.ts";

/** A repository as the rest of the daemon knows it, and its row. */

/** A folder of the host that a repository follows. */
export interface Upstream {
  folder: string;
  owner: { uid: number; gid: number };
  nonce: string;
}

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
  const { upstream: folder, upstream_uid: uid, upstream_gid: gid, upstream_nonce: nonce } = row;
  return {
    name: row.name,
    settings: { ...DEFAULT_REPO_SETTINGS, ...(JSON.parse(row.settings) as RepoSettings) },
    upstream:
      folder === null || uid === null || gid === null || nonce === null ? undefined : { folder, owner: { uid, gid }, nonce },
    holds: JSON.parse(row.queues) as QueueHolds,
    bytes: row.bytes,
    createdAt: row.created_at,
  };
}

export function toRow(repo: Repo): RepoRecord {
  return {
    name: repo.name,
    settings: JSON.stringify(repo.settings),
    upstream: repo.upstream?.folder ?? null,
    upstream_uid: repo.upstream?.owner.uid ?? null,
    upstream_gid: repo.upstream?.owner.gid ?? null,
    upstream_nonce: repo.upstream?.nonce ?? null,
    queues: JSON.stringify(repo.holds),
    bytes: repo.bytes,
    created_at: repo.createdAt,
  };
}
