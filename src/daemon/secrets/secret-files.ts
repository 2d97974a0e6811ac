import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { replaceFile, syncAll } from "../../os/stable.ts";
import { MAX_SECRET_BYTES, SecretName } from "../../wire/secrets.ts";

/** For the daemon's user alone. */
const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;

/** The values of secrets: one file each, of the daemon's user alone, and what the daemon has read of them. */
export class SecretFiles {
  readonly #folder: string;
  readonly #values = new Map<string, string>();

  /** Reads the files. What is left of a write that was cut short is removed. A file that cannot be read has no value. */
  constructor(folder: string) {
    this.#folder = folder;
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

  valueOf(name: string): string | undefined {
    return this.#values.get(name);
  }

  names(): string[] {
    return [...this.#values.keys()];
  }

  /** Keeps a value. It is on stable storage when this resolves, and counts from then on. */
  async keep(name: string, value: string): Promise<void> {
    await replaceFile(join(this.#folder, name), value, PRIVATE_FILE);
    this.#values.set(name, value);
  }

  /** Removes a value for good. */
  async remove(name: string): Promise<void> {
    this.#values.delete(name);
    rmSync(join(this.#folder, name), { force: true });
    await syncAll([this.#folder]);
  }
}
