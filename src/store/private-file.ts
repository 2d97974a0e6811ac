import { chmodSync, closeSync, existsSync, fchmodSync, openSync } from "node:fs";

/** Messages and turns are for the daemon's user alone, in whatever folder a copy of them ends up. */
const PRIVATE = 0o600;
/** Files that SQLite puts next to a database. It creates them with the database's mode. */
const BESIDE = ["-wal", "-shm"];

/** Makes a database file readable by its owner alone, and creates it if it does not exist. Before SQLite opens it. */
export function makePrivate(file: string): void {
  const fd = openSync(file, "a", PRIVATE);
  fchmodSync(fd, PRIVATE);
  closeSync(fd);
  for (const suffix of BESIDE) if (existsSync(file + suffix)) chmodSync(file + suffix, PRIVATE);
}
