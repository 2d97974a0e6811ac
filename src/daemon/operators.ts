import { rmSync, symlinkSync } from "node:fs";
import { basename } from "node:path";
import { hivectl } from "../lib/hivectl.ts";
import type { Paths } from "../lib/paths.ts";
import { SerialQueue } from "../lib/serial-queue.ts";
import type { Service } from "../lib/services.ts";
import { mayGiveTo, unixUser, type UnixUser } from "../os/unix-user.ts";
import type { OperatorRow } from "../store/operators.ts";
import type { Store } from "../store/store.ts";
import { HiveError } from "../wire/error.ts";
import { instant } from "../wire/instant.ts";
import { OPERATOR } from "../wire/names.ts";
import type { OperatorView } from "../wire/operator-operations.ts";
import type { OperationName } from "../wire/operations.ts";
import { includes, operatorActor, whyNotCall, type Role } from "../wire/roles.ts";
import { openWay } from "./open-way.ts";
import type { Operator } from "./operator.ts";

/** Operators besides the one of host.sock: more than decide together, and few enough to have a socket each. */
const MAX_OPERATORS = 100;

/** What the operators need of the sockets. */
interface OperatorSockets {
  openOperator(operator: Operator, path: string, user: UnixUser): Promise<void>;
  cutOperator(name: string): void;
  closeOperator(name: string): Promise<void>;
}

export interface OperatorDeps {
  store: Pick<Store, "write" | "operators" | "passkeys" | "sessions" | "ledger" | "nextSeq">;
  paths: Pick<Paths, "run" | "operatorSocket" | "operatorLink" | "hostSocket">;
  sockets: OperatorSockets;
  /** Ends what an operator holds besides its socket: sessions, launch links, tokens. */
  holdings: readonly { endOf(operator: string): Promise<void> | void }[];
  /** Called after a role has changed, so that open pages learn it. */
  changed(operator: Operator): void;
  log: { warn(details: object, words: string): void };
  /** Whether the daemon can give a socket to a user. */
  mayGiveTo?: (user: UnixUser) => boolean;
  findUser?: (name: string) => Promise<UnixUser | undefined>;
  /** The daemon's own uid. */
  uid?: number;
  now(): number;
}

interface Known extends Operator {
  role: Role;
  row: OperatorRow;
  problem?: string;
}

/**
 * The operators of the hive. `operator`, the one of host.sock, is always an admin and cannot be changed or removed, so
 * there is always an admin. Each other one has a socket that belongs to its Unix user.
 */
export class Operators implements Service {
  readonly #deps: OperatorDeps;
  readonly #known = new Map<string, Known>();
  readonly #changes = new SerialQueue();
  readonly #findUser: (name: string) => Promise<UnixUser | undefined>;
  readonly #uid: number;
  /** The operator of host.sock. */
  readonly host: Operator = { name: OPERATOR, role: "admin" };

  constructor(deps: OperatorDeps) {
    this.#deps = deps;
    this.#findUser = deps.findUser ?? unixUser;
    this.#uid = deps.uid ?? process.getuid?.() ?? 0;
    for (const row of deps.store.operators.all()) this.#known.set(row.name, { name: row.name, role: row.role, row });
  }

  /** The operator of a name, or undefined. */
  find(name: string): Operator | undefined {
    return name === OPERATOR ? this.host : this.#known.get(name);
  }

  /** Throws `forbidden` if an operator may not call an operation now. */
  permit(operator: Operator, operation: OperationName): void {
    if (this.find(operator.name) !== operator)
      throw new HiveError("forbidden", `${operator.name} is no operator of this hive any more`);
    const why = whyNotCall(operator, operation);
    if (why !== undefined) throw new HiveError("forbidden", why);
  }

  /** The same for the holder of an operator's credential, such as a git token. */
  permitName(name: string, operation: OperationName): void {
    const operator = this.find(name);
    if (!operator) throw new HiveError("forbidden", `${name} is no operator of this hive any more`);
    this.permit(operator, operation);
  }

  /** Opens every socket. One that cannot be opened is shown with its problem, and the others are served. */
  async start(): Promise<void> {
    for (const one of this.#known.values()) {
      try {
        await this.#open(one, await this.#userOf(one.row));
      } catch (error) {
        one.problem = error instanceof Error ? error.message : String(error);
        this.#deps.log.warn({ operator: one.name, reason: one.problem }, "an operator has no socket");
      }
    }
    for (const uid of new Set([...this.#known.values()].map(({ row }) => row.uid))) this.#link(uid);
  }

  list(): OperatorView[] {
    const { hostSocket } = this.#deps.paths;
    return [
      { ...this.host, socket: hostSocket, ...this.#passkeysOf(OPERATOR) },
      ...[...this.#known.values()].map((one) => this.#view(one)),
    ];
  }

  /** Adds an operator and opens its socket. Throws if its Unix user does not exist or cannot reach the socket. */
  add(input: { name: string; role: Role; user?: string | undefined }, by: string): Promise<OperatorView> {
    return this.#changes.run(async () => {
      const { name, role } = input;
      if (this.#known.has(name)) throw new HiveError("conflict", `there is an operator ${name} already`);
      if (this.#known.size >= MAX_OPERATORS)
        throw new HiveError("conflict", `there are ${MAX_OPERATORS} operators, which is the most: remove one first`);
      const user = await this.#checkUser(name, input.user ?? name);
      const added_at = this.#deps.now();
      const one: Known = { name, role, row: { name, role, user: user.name, uid: user.uid, added_at } };
      await this.#open(one, user);
      try {
        await this.#store("operator_added", by, { operator: name, role, user: user.name }, (operators) => operators.add(one.row));
      } catch (error) {
        await this.#close(name);
        throw error;
      }
      this.#known.set(name, one);
      this.#link(user.uid);
      return this.#view(one);
    });
  }

  /** Changes a role. A lower one ends the operator's connections and streams, so nothing goes on that it may not do. */
  set(name: string, role: Role, by: string): Promise<OperatorView> {
    return this.#changes.run(async () => {
      const one = this.#get(name, "changed");
      const isLower = !includes(role, one.role);
      if (one.role === role) return this.#view(one);
      const detail = { operator: name, from: one.role, to: role };
      await this.#store("operator_changed", by, detail, (operators) => operators.setRole(name, role));
      one.role = role;
      if (isLower) this.#deps.sockets.cutOperator(name);
      this.#deps.changed(one);
      return this.#view(one);
    });
  }

  /** Removes an operator, with everything that it holds. */
  remove(name: string, by: string): Promise<void> {
    return this.#changes.run(async () => {
      const { row } = this.#get(name, "removed");
      await this.#store("operator_removed", by, { operator: name }, (operators) => {
        operators.remove(name);
        this.#deps.store.passkeys.removeOf(name);
        this.#deps.store.sessions.revokeOf(name, this.#deps.now());
      });
      this.#known.delete(name);
      await this.#close(name);
      this.#link(row.uid);
      for (const holding of this.#deps.holdings) await holding.endOf(name);
    });
  }

  #get(name: string, done: string): Known {
    if (name === OPERATOR)
      throw new HiveError("conflict", `${OPERATOR} is the admin of host.sock and cannot be ${done}: there is always an admin`);
    const one = this.#known.get(name);
    if (!one) throw new HiveError("not_found", `there is no operator ${name}: ${hivectl("operator list")} lists them`);
    return one;
  }

  /** The Unix user for a new operator. */
  async #checkUser(operator: string, name: string): Promise<UnixUser> {
    const user = await this.#findUser(name);
    if (!user)
      throw new HiveError(
        "not_found",
        `this host has no user ${name}: create it, or name another one with ${hivectl(`operator add ${operator} --role … --user <name>`)}`,
      );
    if (!(this.#deps.mayGiveTo ?? mayGiveTo)(user))
      throw new HiveError(
        "unavailable",
        `this daemon runs as a user that can give a socket to no other user, and so not to ${name}: root has to start the hive (npm start) to add operators with other users`,
      );
    return user;
  }

  /** The Unix user of a stored operator, if it still is the same. */
  async #userOf({ user: name, uid }: OperatorRow): Promise<UnixUser> {
    const user = await this.#findUser(name);
    if (user?.uid === uid) return user;
    throw new Error(
      `the user ${name} ${user ? `has the uid ${user.uid} now, not ${uid}` : "does not exist any more"}: remove the operator and add it again`,
    );
  }

  async #open(one: Known, user: UnixUser): Promise<void> {
    const path = this.#deps.paths.operatorSocket(one.name);
    if (user.uid !== this.#uid) openWay(user, this.#deps.paths.run, path);
    await this.#deps.sockets.openOperator(one, path, user);
  }

  async #close(name: string): Promise<void> {
    await this.#deps.sockets.closeOperator(name);
    rmSync(this.#deps.paths.operatorSocket(name), { force: true });
  }

  /**
   * Points the link of a Unix user at the socket of its first operator: the user cannot list the folder, and need not know
   * by which name it was added.
   */
  #link(uid: number): void {
    const link = this.#deps.paths.operatorLink(uid);
    const first = [...this.#known.values()].find(({ row, problem }) => row.uid === uid && problem === undefined);
    rmSync(link, { force: true });
    if (first) symlinkSync(basename(this.#deps.paths.operatorSocket(first.name)), link);
  }

  async #store(kind: string, by: string, detail: object, change: (operators: Store["operators"]) => void): Promise<void> {
    const { store, now } = this.#deps;
    await store.write(() => {
      change(store.operators);
      store.ledger.audit(store.nextSeq(), { at: now(), actor: operatorActor(by), kind, detail });
    });
  }

  #passkeysOf(name: string): Pick<OperatorView, "passkeys" | "passkey_required"> {
    const { passkeys } = this.#deps.store;
    return { passkeys: passkeys.of(name).length, passkey_required: passkeys.isRequired(name) };
  }

  #view({ name, role, row, problem }: Known): OperatorView {
    const view: OperatorView = {
      name,
      role,
      user: row.user,
      socket: this.#deps.paths.operatorSocket(name),
      ...this.#passkeysOf(name),
      added_at: instant(row.added_at),
    };
    if (problem !== undefined) view.problem = problem;
    return view;
  }
}
