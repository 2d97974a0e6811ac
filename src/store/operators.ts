import type { Role } from "../wire/roles.ts";
import type { Sqlite } from "./database.ts";

/** A stored operator. The one of host.sock has no row. */
export interface OperatorRow {
  name: string;
  role: Role;
  /** The Unix user who owns the socket, and its uid when the operator was added. */
  user: string;
  uid: number;
  added_at: number;
}

export function operatorQueries(db: Sqlite) {
  const all = db.prepare<[], OperatorRow>("SELECT name, role, user, uid, added_at FROM operators ORDER BY name");
  const one = db.prepare<[string], { name: string }>("SELECT name FROM operators WHERE name = ?");
  const add = db.prepare<OperatorRow>(
    "INSERT INTO operators (name, role, user, uid, added_at) VALUES (@name, @role, @user, @uid, @added_at)",
  );
  const setRole = db.prepare<[Role, string]>("UPDATE operators SET role = ? WHERE name = ?");
  const remove = db.prepare<[string]>("DELETE FROM operators WHERE name = ?");
  return {
    all: () => all.all(),
    has: (name: string): boolean => one.get(name) !== undefined,
    add: (row: OperatorRow): void => void add.run(row),
    setRole: (name: string, role: Role): void => void setRole.run(role, name),
    remove: (name: string): void => void remove.run(name),
  };
}
