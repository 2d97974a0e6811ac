import { isDeepStrictEqual } from "node:util";
import { hivectl } from "../lib/hivectl.ts";
import { HiveError } from "../wire/error.ts";
import { SYSTEM } from "../wire/names.ts";
import { DEFAULT_REPO_SETTINGS, type DeclaredRepos, type RepoSettings } from "../wire/work.ts";
import { settingsComplaint } from "./policy.ts";
import type { Repositories } from "./repositories.ts";

/**
 * The repositories that the configuration of the host declares. It owns their settings: the daemon applies them at its
 * start, and no operator changes them.
 */
export class Declared {
  readonly #declared: DeclaredRepos | undefined;

  /** Throws an error that names the repository whose settings cannot work together. */
  constructor(declared: DeclaredRepos | undefined) {
    this.#declared = declared;
    for (const name of this.names) {
      const settings = { ...DEFAULT_REPO_SETTINGS, ...this.settingsOf(name) };
      const complaint =
        settings.push !== "never" && this.made.includes(name)
          ? 'an empty repository follows no folder, so there is nothing to push to: set "create" to false, and add the repository from its folder'
          : settings.forge !== "none" && this.made.includes(name)
            ? 'an empty repository follows no other host that could have pull requests: set "create" to false, and add the repository from its address'
            : settingsComplaint(settings);
      if (complaint !== undefined) throw new Error(`${this.placeOf(name)}: ${complaint}`);
    }
  }

  get names(): string[] {
    return Object.keys(this.#declared?.repositories ?? {});
  }

  /** The names of those that the hive makes, empty, if they are missing. */
  get made(): string[] {
    return this.names.filter((name) => this.#declared?.repositories[name]?.create !== false);
  }

  /** Where a repository is declared, in the words of its host. Undefined: it is not. */
  placeOf(name: string): string | undefined {
    return this.names.includes(name) ? `${this.#declared?.source}.${name}` : undefined;
  }

  /** All settings of a declared repository: what its declaration leaves out has the default. */
  settingsOf(name: string): RepoSettings | undefined {
    const given = this.#declared?.repositories[name];
    if (given === undefined || !this.names.includes(name)) return undefined;
    const { create: _create, ...settings } = given;
    return { base: "main", ...DEFAULT_REPO_SETTINGS, ...settings };
  }

  /** Throws if a repository is declared. `what` is what the caller wants to do. */
  refuse(name: string, what: string): void {
    const place = this.placeOf(name);
    if (place !== undefined)
      throw new HiveError(
        "conflict",
        `${name} is declared in the host's configuration, as ${place}: ${what} there, and rebuild the system (${hivectl(`repo show ${name}`)} shows it)`,
      );
  }
}

/**
 * Gives declared repositories their settings and makes those that are missing. One that cannot be read is left. Throws an
 * error that names the declaration whose settings its repository cannot have.
 */
export async function applyDeclared(declared: Declared, repositories: Repositories): Promise<void> {
  for (const name of declared.names) {
    const settings = declared.settingsOf(name);
    const isMissing = !repositories.all().some((one) => one.name === name);
    const found = repositories.find(name);
    try {
      if (isMissing && declared.made.includes(name)) await repositories.create(name, {}, undefined, SYSTEM);
      if (found !== undefined && settings !== undefined && !isDeepStrictEqual(found.settings, settings))
        await repositories.set(name, { settings }, { by: SYSTEM });
    } catch (error) {
      if (!(error instanceof HiveError)) throw error;
      throw new Error(`${declared.placeOf(name)}: ${error.message}`, { cause: error });
    }
  }
}
