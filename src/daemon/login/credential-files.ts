import { chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CredentialName } from "../../wire/names.ts";
import { StoredLogin, type StoredCredential } from "./stored-login.ts";

/** For the daemon's user alone. */
const PRIVATE_FOLDER = 0o700;
const SUFFIX = ".json";

/** The credentials for the model besides the hive's own: one file each, of the daemon's user alone. In no backup. */
export class CredentialFiles {
  readonly #folder: string;
  readonly #stored = new Map<string, StoredLogin>();

  /** Reads the files. What is left of a write that was cut short is removed. */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
    chmodSync(folder, PRIVATE_FOLDER);
    for (const file of readdirSync(folder)) {
      const name = file.slice(0, -SUFFIX.length);
      if (file.endsWith(SUFFIX) && CredentialName.safeParse(name).success) this.#stored.set(name, this.#open(name));
      else rmSync(join(folder, file), { recursive: true, force: true });
    }
  }

  names(): string[] {
    return [...this.#stored.keys()].sort();
  }

  of(name: string): StoredLogin | undefined {
    return this.#stored.get(name);
  }

  /** Keeps a credential in the place of the one that has the name. It counts when this resolves. */
  async keep(name: string, content: StoredCredential): Promise<void> {
    const stored = this.#stored.get(name) ?? this.#open(name);
    await stored.keep(content);
    this.#stored.set(name, stored);
  }

  /** Removes a credential for good. */
  async remove(name: string): Promise<void> {
    const stored = this.#stored.get(name);
    this.#stored.delete(name);
    await stored?.remove();
  }

  #open(name: string): StoredLogin {
    return new StoredLogin(join(this.#folder, `${name}${SUFFIX}`), name);
  }
}
