import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, normalize, relative } from "node:path";
import type { Paths } from "../lib/paths.ts";
import { digestOf, pack, type Digest } from "../os/archive.ts";
import { replaceFile, syncAll } from "../os/stable.ts";
import type { Store } from "../store/store.ts";
import { HiveError } from "../wire/error.ts";
import { cannotMake, inWords, isForbidden, notWritable } from "./refusals.ts";
import { FORMAT, MANIFEST, PARTS, type Manifest } from "./manifest.ts";

export interface BackupDeps {
  hiveId: string;
  version: string;
  paths: Paths;
  store: Pick<Store, "agents" | "backup" | "seq">;
  /** Runs work while no applied repository and no ledger changes. */
  still<T>(work: () => Promise<T>): Promise<T>;
}

/** Progress of a backup. `all` is absent if it is not known in advance. */
export interface BackupProgress {
  part: (typeof PARTS)[keyof typeof PARTS];
  bytes: number;
  all?: number;
}

/** A finished backup. */
export interface Taken {
  folder: string;
  bytes: number;
  manifest: Manifest;
  /** Files that could not be read, in the words of the program that tried. */
  complaints: string[];
}

const PAGE_BYTES = 4096;

/** Takes backups of a running hive, one at a time. */
export class Backups {
  readonly #deps: BackupDeps;
  #isTaking = false;

  constructor(deps: BackupDeps) {
    this.#deps = deps;
  }

  /** Throws while a backup is taken: its files must not be removed meanwhile. */
  refuseWhileTaking(what: string): void {
    if (this.#isTaking) throw new HiveError("conflict", `a backup is being taken: ${what} once it is done`);
  }

  /**
   * Takes a backup into a folder that does not exist yet or is empty. The backup appears atomically. The database and
   * the repositories are consistent: deploys wait while the two are copied, everything else continues. Then the agents'
   * own files are copied as found. `signal` aborts the backup and leaves nothing.
   */
  async take(folder: string, signal: AbortSignal, tell: (progress: BackupProgress) => void): Promise<Taken> {
    this.refuseWhileTaking("take another one");
    // Set before the place is checked, so that of two calls the first one succeeds.
    this.#isTaking = true;
    try {
      await checkPlace(folder, this.#deps.paths.state);
      return await this.#takeInto(folder, signal, tell);
    } finally {
      this.#isTaking = false;
    }
  }

  async #takeInto(folder: string, signal: AbortSignal, tell: (progress: BackupProgress) => void): Promise<Taken> {
    const made = join(dirname(folder), `.${basename(folder)}.unfinished`);
    try {
      await rm(made, { recursive: true, force: true });
      await mkdir(made, { mode: 0o700 }).catch((error: unknown) => cannotMake(folder, error));
      const taken = await this.#fill(made, signal, tell);
      await rename(made, folder);
      await syncAll([dirname(folder)]);
      return { folder, ...taken };
    } catch (error) {
      await rm(made, { recursive: true, force: true });
      throw inWords(error, signal, folder);
    }
  }

  async #fill(made: string, signal: AbortSignal, tell: (progress: BackupProgress) => void): Promise<Omit<Taken, "folder">> {
    const { paths, store, hiveId, version, still } = this.#deps;
    const { seq } = store;
    const createdAt = new Date().toISOString();
    const packed = (part: BackupProgress["part"], members: string[]) =>
      pack(
        join(made, part),
        paths.state,
        members.filter((one) => existsSync(join(paths.state, one))),
        {
          signal,
          onBytes: (bytes) => tell({ part, bytes }),
        },
      );

    const { agents, deployed } = await still(async () => {
      signal.throwIfAborted();
      const rows = store.agents.all();
      const generations = rows.map(({ id }) => relative(paths.state, join(paths.agent(id).root, "generations")));
      const configs = [paths.applied, paths.meta].map((one) => relative(paths.state, one));
      const archive = await packed(PARTS.deployed, [...configs, ...generations]);
      // Last: the copy is of the moment when it ends, and the repositories have not changed since they were copied.
      await store.backup(join(made, PARTS.database), (done, all) => {
        signal.throwIfAborted();
        tell({ part: PARTS.database, bytes: done * PAGE_BYTES, all: all * PAGE_BYTES });
      });
      return { agents: rows, deployed: archive };
    });
    const database = await digestOf(join(made, PARTS.database));
    const own = agents.flatMap(({ id }) => {
      const { state, work, claude, log } = paths.agent(id);
      return [state, work, claude, log].map((one) => relative(paths.state, one));
    });
    // After the database, so that every session that a row names is included.
    const written = await packed(PARTS.agents, [relative(paths.state, paths.proposed), ...own]);

    // Also after the database: every commit that a row names is included. Refs before objects, because a ref that is
    // newer than the copy of its objects would name nothing. Rows that are older than the refs are caught up with at the
    // next start.
    const repositories = await packed(PARTS.repositories, [
      ...(await repositoryMembers(paths)),
      relative(paths.state, paths.changeLogs),
    ]);

    const part = (file: BackupProgress["part"], { bytes, sha256 }: Digest) => ({ file, bytes, sha256 });
    const manifest: Manifest = {
      format: FORMAT,
      version,
      hive_id: hiveId,
      created_at: createdAt,
      seq,
      by_root: process.getuid?.() === 0,
      agents: agents.map(({ id, name }) => ({ id, name })),
      parts: [
        part(PARTS.database, database),
        part(PARTS.deployed, deployed),
        part(PARTS.agents, written),
        part(PARTS.repositories, repositories),
      ],
    };
    signal.throwIfAborted();
    await replaceFile(join(made, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, 0o600);
    return {
      bytes: manifest.parts.reduce((sum, one) => sum + one.bytes, 0),
      manifest,
      complaints: [...deployed.complaints, ...written.complaints, ...repositories.complaints],
    };
  }
}

/** The contents of every bare repository: all refs, then all objects. */
async function repositoryMembers(paths: Paths): Promise<string[]> {
  const names = existsSync(paths.repos) ? (await readdir(paths.repos)).filter((name) => name.endsWith(".git")) : [];
  const of = (part: string): string[] => names.map((name) => relative(paths.state, join(paths.repos, name, part)));
  return ["HEAD", "config", "packed-refs", "refs", "objects"].flatMap(of);
}

/** Checks that a backup in this place overwrites nothing and is not part of what is copied. */
async function checkPlace(folder: string, state: string): Promise<void> {
  if (!isAbsolute(folder) || normalize(folder) !== folder || folder.endsWith("/"))
    throw new HiveError("bad_request", `"${folder}" is not a plain absolute path`);
  if (folder === state || folder.startsWith(`${state}/`))
    throw new HiveError("bad_request", `a backup inside of the hive's own ${state} would go when it goes: name another folder`);
  if (!existsSync(dirname(folder))) throw new HiveError("bad_request", `${dirname(folder)} does not exist: make it first`);
  const there = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    if (isForbidden(error.code)) throw notWritable(folder, error);
    throw new HiveError("conflict", `${folder} is there and is not a folder: name another one`);
  });
  if (there.length > 0) throw new HiveError("conflict", `${folder} is not empty: name a folder that does not exist yet`);
}
