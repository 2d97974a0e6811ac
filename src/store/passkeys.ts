import type { Sqlite } from "./database.ts";

export interface PasskeyRow {
  id: number;
  operator: string;
  name: string;
  /** The host for which it was made. */
  host: string;
  /** Its id at the authenticator, in base64url. */
  credential: string;
  public_key: Uint8Array<ArrayBuffer>;
  /** The authenticator's count of uses; 0 for one that does not count. */
  counter: number;
  /** Ways to reach the authenticator, as JSON. */
  transports: string;
  added_at: number;
  used_at: number | null;
}

/** Passkeys, and which operators' approvals need one. */
export function passkeyQueries(db: Sqlite) {
  const of = db.prepare<[string], PasskeyRow>("SELECT * FROM passkeys WHERE operator = ? ORDER BY id");
  const byCredential = db.prepare<[string], PasskeyRow>("SELECT * FROM passkeys WHERE credential = ?");
  const add = db.prepare<Omit<PasskeyRow, "id" | "used_at">>(
    "INSERT INTO passkeys (operator, name, host, credential, public_key, counter, transports, added_at) VALUES (@operator, @name, @host, @credential, @public_key, @counter, @transports, @added_at)",
  );
  const used = db.prepare<[number, number, number]>("UPDATE passkeys SET counter = ?, used_at = ? WHERE id = ?");
  const remove = db.prepare<[number]>("DELETE FROM passkeys WHERE id = ?");
  const isRequired = db.prepare<[string], { one: number }>("SELECT 1 AS one FROM passkey_required WHERE operator = ?");
  const require = db.prepare<[string, number]>("INSERT OR IGNORE INTO passkey_required (operator, since) VALUES (?, ?)");
  const unrequire = db.prepare<[string]>("DELETE FROM passkey_required WHERE operator = ?");
  const removeOf = db.prepare<[string]>("DELETE FROM passkeys WHERE operator = ?");
  return {
    of: (operator: string) => of.all(operator),
    byCredential: (credential: string) => byCredential.get(credential),
    add: (row: Omit<PasskeyRow, "id" | "used_at">): number => Number(add.run(row).lastInsertRowid),
    used: (id: number, counter: number, at: number): void => void used.run(counter, at, id),
    remove: (id: number): void => void remove.run(id),
    isRequired: (operator: string): boolean => isRequired.get(operator) !== undefined,
    require: (operator: string, at: number): void => void require.run(operator, at),
    unrequire: (operator: string): void => void unrequire.run(operator),
    /** Removes everything of an operator. */
    removeOf(operator: string): void {
      removeOf.run(operator);
      unrequire.run(operator);
    },
  };
}
