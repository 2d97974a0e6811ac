import type { Agent } from "../../agents/agent.ts";
import type { Swarm } from "../../agents/swarm.ts";
import { hivectl } from "../../lib/hivectl.ts";
import { SerialQueue } from "../../lib/serial-queue.ts";
import type { Store } from "../../store/store.ts";
import type { AgentConfig } from "../../wire/config.ts";
import { DEFAULT_CREDENTIAL } from "../../wire/default-credential.ts";
import { HiveError } from "../../wire/error.ts";
import { instant } from "../../wire/instant.ts";
import { MAX_CREDENTIALS, type CredentialView } from "../../wire/model-credentials.ts";
import type { ModelLoginView } from "../../wire/model-login.ts";
import { closest } from "../../wire/suggest.ts";
import type { CredentialFiles } from "./credential-files.ts";

export interface ModelCredentialsDeps {
  files: CredentialFiles;
  /** The hive's own credential. */
  own: { readonly credential: ModelLoginView };
  store: Pick<Store, "write" | "ledger" | "nextSeq">;
  agents: Pick<Swarm, "all" | "byId">;
  /** Called after a credential was added, replaced or removed. */
  changed(name: string): void;
  now(): number;
}

/**
 * The credentials for the model besides the hive's own, and which agent uses which: the one that its approved config
 * names. Nothing rotates by itself. A value is in one file and is passed on to the gateway; no view, row or event has it.
 */
export class ModelCredentials {
  readonly #deps: ModelCredentialsDeps;
  readonly #changes = new SerialQueue();

  constructor(deps: ModelCredentialsDeps) {
    this.#deps = deps;
  }

  /** The hive's own, then every one that is kept or that a config names, by name. */
  list(): CredentialView[] {
    const { files, own, agents } = this.#deps;
    const users = new Map<string, string[]>();
    for (const { credential, name } of agents.all()) users.set(credential, [...(users.get(credential) ?? []), name].sort());
    const names = [...new Set([...files.names(), ...users.keys()])].filter((name) => name !== DEFAULT_CREDENTIAL).sort();
    return [
      { name: DEFAULT_CREDENTIAL, ...own.credential, agents: users.get(DEFAULT_CREDENTIAL) ?? [] },
      ...names.map((name) => ({ ...this.#kept(name), name, agents: users.get(name) ?? [] })),
    ];
  }

  #kept(name: string): Omit<CredentialView, "name" | "agents"> {
    const stored = this.#deps.files.of(name);
    if (!stored) return { source: "missing", problem: howToAdd(name) };
    const { about, file } = stored;
    const view: Omit<CredentialView, "name" | "agents"> = { source: file === undefined ? "token" : "file" };
    if (file !== undefined) view.file = file;
    if (about) Object.assign(view, { by: about.by, at: instant(about.at) });
    try {
      view.kind = stored.credential().kind;
    } catch (error) {
      if (!(error instanceof HiveError)) throw error;
      view.problem = error.message;
    }
    return view;
  }

  /** Keeps a credential, or replaces its value. Agents that name it use it from their next request. */
  add(name: string, value: { token: string } | { file: string }, by: string): Promise<CredentialView> {
    return this.#changes.run(async () => {
      const { files, store, now } = this.#deps;
      this.checkRoom(name);
      const replaced = files.of(name) !== undefined;
      await files.keep(name, { ...value, by, at: now() });
      await store.write(() => {
        const detail = { credential: name, replaced, ...("file" in value ? { file: value.file } : {}) };
        store.ledger.audit(store.nextSeq(), { at: now(), actor: by, kind: "credential_added", detail });
      });
      this.#deps.changed(name);
      return this.#view(name);
    });
  }

  /** Throws `conflict` if there is no room for one of this name. */
  checkRoom(name: string): void {
    const { files } = this.#deps;
    if (files.of(name) === undefined && files.names().length >= MAX_CREDENTIALS)
      throw new HiveError("conflict", `there are ${MAX_CREDENTIALS} credentials, which is the most: remove one first`);
  }

  /** Removes one. Throws `conflict` while a config names it, unless with `force`: these agents then get no answers. */
  remove(name: string, { by, force }: { by: string; force: boolean }): Promise<void> {
    return this.#changes.run(async () => {
      const { files, store, agents, now } = this.#deps;
      if (!files.of(name)) throw new HiveError("not_found", `there is no credential ${name}${this.#hint(name)}`);
      const users = agents.all().filter(({ credential }) => credential === name);
      if (users.length > 0 && !force)
        throw new HiveError(
          "conflict",
          `${name} is used by ${users.map((agent) => agent.name).join(", ")}: propose configs without it first, or remove it with --force, and the model answers them no more`,
        );
      await store.write(() =>
        store.ledger.audit(store.nextSeq(), {
          at: now(),
          actor: by,
          kind: "credential_removed",
          detail: { credential: name, force },
        }),
      );
      await files.remove(name);
      this.#deps.changed(name);
    });
  }

  /** The name of the credential for an agent's requests. Throws `bad_request` if it is missing. */
  nameFor(agentId: string): string {
    const name = this.#deps.agents.byId(agentId)?.credential ?? DEFAULT_CREDENTIAL;
    if (this.#isMissing(name)) throw new HiveError("bad_request", `the credential ${name} is missing: ${howToAdd(name)}`);
    return name;
  }

  /** Throws `not_found` if there is no credential of the name. The hive's own is always one. */
  check(name: string): void {
    if (this.#isMissing(name)) throw new HiveError("not_found", `there is no credential ${name}${this.#hint(name)}`);
  }

  /** The complaints about the credential of a config, each with what to do. */
  complaints({ credential: name }: AgentConfig): string[] {
    if (name === undefined || !this.#isMissing(name)) return [];
    return [`there is no credential ${name}${this.#hint(name)}; an admin adds it with ${adding(name)}`];
  }

  /** What an agent's row says of its credential. */
  problemsOf({ credential: name }: Agent): string[] {
    return this.#isMissing(name) ? [`credential missing: ${name}; ${howToAdd(name)}`] : [];
  }

  #isMissing(name: string): boolean {
    return name !== DEFAULT_CREDENTIAL && this.#deps.files.of(name) === undefined;
  }

  #view(name: string): CredentialView {
    const view = this.list().find((one) => one.name === name);
    if (!view) throw new Error(`the credential ${name} was kept and is not listed`);
    return view;
  }

  #hint(name: string): string {
    const meant = closest(name, this.#deps.files.names());
    return meant === undefined ? "" : `; did you mean ${meant}?`;
  }
}

const adding = (name: string): string => hivectl(`credential add ${name} --token-stdin`);
const howToAdd = (name: string): string => `${adding(name)} adds it`;
