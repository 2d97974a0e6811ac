import type { Sqlite } from "./database.ts";

/** A file that is copied into each fresh workspace of a repository, without its content. */
export interface IncludeRecord {
  repo: string;
  path: string;
  bytes: number;
  /** 1 if it is copied as a program. */
  executable: number;
  added_at: number;
}

/** Queries on included files. `repositories.remove` removes those of a repository. */
export function includeFileQueries(db: Sqlite) {
  // The repository may have been removed since it was looked up.
  const put = db.prepare<IncludeRecord & { content: Buffer }>(
    `INSERT INTO include_files (repo, path, bytes, executable, added_at, content)
       SELECT @repo, @path, @bytes, @executable, @added_at, @content FROM repositories WHERE name = @repo
     ON CONFLICT (repo, path) DO UPDATE SET bytes = excluded.bytes, executable = excluded.executable,
       added_at = excluded.added_at, content = excluded.content`,
  );
  const of = db.prepare<[string], IncludeRecord>(
    "SELECT repo, path, bytes, executable, added_at FROM include_files WHERE repo = ? ORDER BY path",
  );
  const next = db.prepare<[string, string], IncludeRecord & { content: Buffer }>(
    "SELECT * FROM include_files WHERE repo = ? AND path > ? ORDER BY path LIMIT 1",
  );
  const remove = db.prepare<[string, string]>("DELETE FROM include_files WHERE repo = ? AND path = ?");
  return {
    /** Stores a file. False if there is no such repository. */
    put: (row: IncludeRecord & { content: Buffer }): boolean => put.run(row).changes > 0,
    of: (repo: string) => of.all(repo),
    /** The first file whose path comes after the given one, with its content. */
    next: (repo: string, after: string) => next.get(repo, after),
    /** False if there is no such file. */
    remove: (repo: string, path: string): boolean => remove.run(repo, path).changes > 0,
  };
}
