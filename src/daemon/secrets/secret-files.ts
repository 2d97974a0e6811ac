import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { replaceFile, syncAll } from "../../os/stable.ts";
import { MAX_SECRET_BYTES, secretOfCredential, SecretName } from "../../wire/secrets.ts";

/** For the daemon's user alone. */
const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;

/**
 * The values of secrets: one file each, of the daemon's user alone, and what the daemon has read of them. What systemd
 * passes to the daemon as credentials comes before them, and is only read.
 */
export class SecretFiles {
  readonly #folder: string;
  readonly #values = new Map<string, string>();
  readonly #given = new Map<string, string>();

  /**
   * Reads the files of the folder, and those of `credentials` that are secrets. What is left of a write that was cut
   * short is removed. A file that cannot be read has no value.
   */
  constructor(folder: string, credentials?: string) {
    this.#folder = folder;
    if (credentials !== undefined) this.#readGiven(credentials);
    mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
    chmodSync(folder, PRIVATE_FOLDER);
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (!SecretName.safeParse(name).success) {
        rmSync(path, { recursive: true, force: true });
        continue;
      }
      try {
        chmodSync(path, PRIVATE_FILE);
        if (statSync(path).size <= MAX_SECRET_BYTES) this.#values.set(name, readFileSync(path, "utf8"));
      } catch {
        // It counts as missing, which the list and the agents' rows show. The error could quote nothing that helps more.
      }
    }
  }

  #readGiven(folder: string): void {
    for (const [name, path] of givenFiles(folder)) {
      try {
        if (statSync(path).size > MAX_SECRET_BYTES) continue;
        // A line end is the file's, not the secret's, as where `secret set` reads one.
        const value = readFileSync(path, "utf8").replace(/\r?\n$/, "");
        if (value !== "" && !value.includes("\0")) this.#given.set(name, value);
      } catch {
        // It counts as missing, as a file of the hive's own.
      }
    }
  }

  valueOf(name: string): string | undefined {
    return this.#given.get(name) ?? this.#values.get(name);
  }

  /** The value that the hive itself keeps, also where systemd passes another one. */
  ownOf(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** True if systemd passes its value. */
  isGiven(name: string): boolean {
    return this.#given.has(name);
  }

  names(): string[] {
    return [...new Set([...this.#given.keys(), ...this.#values.keys()])];
  }

  /** Keeps a value. It is on stable storage when this resolves, and counts from then on. */
  async keep(name: string, value: string): Promise<void> {
    await replaceFile(join(this.#folder, name), value, PRIVATE_FILE);
    this.#values.set(name, value);
  }

  /** Removes the value that the hive keeps, for good. */
  async remove(name: string): Promise<void> {
    this.#values.delete(name);
    rmSync(join(this.#folder, name), { force: true });
    await syncAll([this.#folder]);
  }
}

/** The files of a folder of credentials that are secrets, by the names of these. None if it cannot be read. */
function givenFiles(folder: string): [name: string, path: string][] {
  try {
    return readdirSync(folder).flatMap((file) => {
      const name = secretOfCredential(file);
      return name === undefined ? [] : [[name, join(folder, file)]];
    });
  } catch {
    // Root's own folder, without a credential for the daemon.
    return [];
  }
}
