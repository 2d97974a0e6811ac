import type { Agent } from "../../agents/agent.ts";
import type { AgentBus } from "../../agents/events.ts";
import type { Swarm } from "../../agents/swarm.ts";
import { hivectl } from "../../lib/hivectl.ts";
import { SerialQueue } from "../../lib/serial-queue.ts";
import type { Store } from "../../store/store.ts";
import type { AgentConfig } from "../../wire/config.ts";
import { HiveError } from "../../wire/error.ts";
import { instant } from "../../wire/instant.ts";
import { MAX_SECRETS, type SecretUse, type SecretView } from "../../wire/secrets.ts";
import { closest } from "../../wire/suggest.ts";
import type { DoorSecret } from "../../gateway/doors/call.ts";
import { formsOf, placeOf, withoutValues, type NamedValue } from "./replaced.ts";
import type { SecretFiles } from "./secret-files.ts";

/** How exact "last used" is: each use would be a write. Milliseconds. */
const USED_MS = 60_000;
/** Earlier values of a secret that are still replaced: cages that run may have them. */
const MAX_FORMER = 8;

export interface SecretsDeps {
  files: SecretFiles;
  store: Pick<Store, "write" | "secrets" | "ledger" | "nextSeq">;
  agents: Pick<Swarm, "all">;
  bus: Pick<AgentBus, "emit">;
  onUnexpected(error: unknown): void;
  now(): number;
}

/** The names of the secrets that a config uses, with how. */
const usesOf = (config: AgentConfig): ({ name: string } & Omit<SecretUse, "agent">)[] => [
  ...config.secrets.map((name) => ({ name, as: "environment" as const })),
  ...Object.entries(config.apis).map(([door, api]) => ({ name: api.secret, as: "door" as const, door })),
];

/**
 * The secrets of the hive. A value is written into one file and is given to what uses it; no view, row or event has it.
 * The rows in the store say who set it and when, also where the value is missing, as after a restore.
 */
export class Secrets {
  readonly #deps: SecretsDeps;
  /** Values that were replaced while this daemon ran, by name, the newest last. */
  readonly #former = new Map<string, string[]>();
  readonly #usedAt = new Map<string, number>();
  readonly #changes = new SerialQueue();

  constructor(deps: SecretsDeps) {
    this.#deps = deps;
  }

  /** Every secret that is kept or used, by name. */
  list(): SecretView[] {
    const rows = new Map(this.#deps.store.secrets.all().map((row) => [row.name, row]));
    const uses = this.#uses();
    return [...new Set([...rows.keys(), ...this.#deps.files.names(), ...uses.keys()])].sort().map((name) => {
      const row = rows.get(name);
      const view: SecretView = { name, uses: uses.get(name) ?? [] };
      if (this.#deps.files.valueOf(name) === undefined) view.missing = true;
      const isGiven = this.#deps.files.isGiven(name);
      if (isGiven) view.systemd = true;
      // Another value was set: it is not the one that counts.
      if (row && !isGiven) Object.assign(view, { set_by: row.set_by, set_at: instant(row.set_at) });
      const used = this.#usedAt.get(name) ?? row?.used_at ?? undefined;
      if (used !== undefined) view.used_at = instant(used);
      return view;
    });
  }

  /** Keeps a value. What uses it per request has it at once; a cage has it in its environment from its next start. */
  set(name: string, value: string, by: string): Promise<SecretView> {
    return this.#changes.run(async () => {
      const { files, store, now } = this.#deps;
      this.#refuseGiven(name);
      const before = files.valueOf(name);
      if (before === undefined && files.names().length >= MAX_SECRETS)
        throw new HiveError("conflict", `there are ${MAX_SECRETS} secrets, which is the most: remove one first`);
      await files.keep(name, value);
      if (before !== undefined && before !== value)
        this.#former.set(name, [...(this.#former.get(name) ?? []), before].slice(-MAX_FORMER));
      await store.write(() => {
        store.secrets.set(name, by, now());
        const detail = { secret: name, replaced: before !== undefined };
        store.ledger.audit(store.nextSeq(), { at: now(), actor: by, kind: "secret_set", detail });
      });
      this.#changed(name);
      return this.#view(name);
    });
  }

  /**
   * Removes a secret that the hive keeps. Throws `conflict` while it is used, unless with `force`: what uses it then works
   * without. Where systemd passes a value, that one stays and is what counts, before and after; resolves with whether so.
   */
  remove(name: string, { by, force }: { by: string; force: boolean }): Promise<{ stays: boolean }> {
    return this.#changes.run(async () => {
      const { files, store, now } = this.#deps;
      const stays = files.isGiven(name);
      const isKept = files.ownOf(name) !== undefined || store.secrets.all().some((row) => row.name === name);
      if (!isKept) this.#refuseGiven(name);
      if (!isKept) throw new HiveError("not_found", `there is no secret ${name}${this.#hint(name)}`);
      const uses = this.#uses().get(name) ?? [];
      if (uses.length > 0 && !force && !stays)
        throw new HiveError(
          "conflict",
          `${name} is used by ${[...new Set(uses.map(({ agent }) => agent))].join(", ")}: propose configs without it first, or remove it with --force`,
        );
      const before = files.ownOf(name);
      // The row first: a daemon that ends here leaves a value that is listed, and never an unlisted one.
      await store.write(() => {
        store.secrets.remove(name);
        store.ledger.audit(store.nextSeq(), { at: now(), actor: by, kind: "secret_removed", detail: { secret: name, force } });
      });
      await files.remove(name);
      if (before !== undefined) this.#former.set(name, [...(this.#former.get(name) ?? []), before].slice(-MAX_FORMER));
      this.#usedAt.delete(name);
      this.#changed(name);
      return { stays };
    });
  }

  #refuseGiven(name: string): void {
    if (!this.#deps.files.isGiven(name)) return;
    throw new HiveError(
      "conflict",
      `${name} is a credential that systemd passes to the daemon (secret.${name}): change its file, then restart the service`,
    );
  }

  /** The variables that an agent's cage gets. A secret that is missing is left out: no program gets an empty one. */
  environmentOf(config: AgentConfig): Record<string, string> {
    return Object.fromEntries(
      config.secrets.flatMap((name) => {
        const value = this.use(name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  }

  /** The value of a secret, for one use of it now. Undefined if it is missing. */
  use(name: string): string | undefined {
    const value = this.#deps.files.valueOf(name);
    if (value !== undefined) this.#noteUse(name);
    return value;
  }

  /** A secret for one call to an API door now, with what the answer must not repeat. Undefined if it is missing. */
  forDoor(name: string): DoorSecret | undefined {
    const value = this.use(name);
    return value === undefined ? undefined : { value, hidden: formsOf(value), place: placeOf(name) };
  }

  /** What an agent says, without the values of the secrets that its config gives it. */
  withoutValues<T>(agent: Agent, said: T): T {
    const uses = usesOf(agent.config);
    return uses.length === 0 ? said : withoutValues(said, this.valuesOf(uses.map(({ name }) => name)));
  }

  /** The values of secrets, and their earlier ones as far as this daemon has replaced them. */
  valuesOf(names: readonly string[]): NamedValue[] {
    return names.flatMap((name) => {
      const { files } = this.#deps;
      // The hive's own, under one that systemd passes now, was given to agents before.
      const values = new Set([files.valueOf(name), files.ownOf(name)].filter((one) => one !== undefined));
      const all = [...values, ...(this.#former.get(name) ?? [])];
      return all.map((one) => ({ name, value: one }));
    });
  }

  /** The complaints about the secrets of a config, each with what to do. */
  complaints(config: AgentConfig): string[] {
    const missing = new Set(usesOf(config).flatMap(({ name }) => (this.#deps.files.valueOf(name) === undefined ? [name] : [])));
    return [...missing].map(
      (name) => `there is no secret ${name}${this.#hint(name)}; an admin keeps it with ${hivectl(`secret set ${name}`)}`,
    );
  }

  /** What an agent's row says of its secrets. */
  problemsOf(agent: Agent): string[] {
    const missing = new Set(
      usesOf(agent.config).flatMap(({ name }) => (this.#deps.files.valueOf(name) === undefined ? [name] : [])),
    );
    return [...missing].map((name) => `secret missing: ${name}; ${hivectl(`secret set ${name}`)} keeps it`);
  }

  #noteUse(name: string): void {
    const { store, now, onUnexpected } = this.#deps;
    const at = now();
    const last = this.#usedAt.get(name);
    if (last !== undefined && Math.abs(at - last) < USED_MS) return;
    this.#usedAt.set(name, at);
    store.write(() => store.secrets.used(name, at)).catch(onUnexpected);
  }

  #uses(): Map<string, SecretUse[]> {
    const uses = new Map<string, SecretUse[]>();
    for (const agent of this.#deps.agents.all())
      for (const { name, ...use } of usesOf(agent.config))
        uses.set(name, [...(uses.get(name) ?? []), { agent: agent.name, ...use }]);
    return uses;
  }

  #view(name: string): SecretView {
    const view = this.list().find((one) => one.name === name);
    if (!view) throw new Error(`the secret ${name} was kept and is not listed`);
    return view;
  }

  #hint(name: string): string {
    const meant = closest(name, this.#deps.files.names());
    return meant === undefined ? "" : `; did you mean ${meant}?`;
  }

  /** The rows of the agents that use it say whether it is missing. */
  #changed(name: string): void {
    for (const agent of this.#deps.agents.all())
      if (usesOf(agent.config).some((use) => use.name === name)) this.#deps.bus.emit("changed", agent);
  }
}
