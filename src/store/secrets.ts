import type { Sqlite } from "./database.ts";

/** What is stored of a secret besides its value, which is in no database. */
export interface SecretRow {
  name: string;
  set_by: string;
  set_at: number;
  used_at: number | null;
}

export function secretQueries(db: Sqlite) {
  const all = db.prepare<[], SecretRow>("SELECT name, set_by, set_at, used_at FROM secrets ORDER BY name");
  const set = db.prepare<[string, string, number]>(
    `INSERT INTO secrets (name, set_by, set_at) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET set_by = excluded.set_by, set_at = excluded.set_at`,
  );
  const used = db.prepare<[number, string]>("UPDATE secrets SET used_at = ? WHERE name = ?");
  const remove = db.prepare<[string]>("DELETE FROM secrets WHERE name = ?");
  return {
    all: (): SecretRow[] => all.all(),
    set: (name: string, by: string, at: number): void => void set.run(name, by, at),
    used: (name: string, at: number): void => void used.run(at, name),
    remove: (name: string): void => void remove.run(name),
  };
}
