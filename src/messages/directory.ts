import { HiveError } from "../wire/error.ts";
import { MANAGER, OPERATOR, SYSTEM } from "../wire/names.ts";

/** A principal as the broker sees it. */
export interface Principal {
  id: string;
  name: string;
  /** The names that it may send to. Undefined allows all. */
  allowed?: readonly string[] | undefined;
}

/** The principals of the hive. Messages carry ids; people and agents use names. */
export interface Directory {
  /** Live agents by name. */
  byName(name: string): Principal | undefined;
  byId(id: string): Principal | undefined;
  live(): Principal[];
  /** The name of any id ever used, including `operator` and `system`. */
  nameOf(id: string): string;
}

/** Whether `from` may send to an agent. Manager and operator are always reachable. */
export function mayReach(from: Principal, name: string): boolean {
  return from.allowed === undefined || name === MANAGER || name === OPERATOR || from.allowed.includes(name);
}

/** The names that a sender may use, for errors and `whoami`. */
export function reachableNames(directory: Directory, from: Principal): string[] {
  const names = directory.live().map((one) => one.name);
  return [
    ...(from.name === OPERATOR ? [] : [OPERATOR]),
    ...names.filter((name) => name !== from.name && mayReach(from, name)).sort(),
  ];
}

/** Resolves one recipient, or throws with the reachable names. */
export function resolveRecipient(directory: Directory, from: Principal, to: string): Principal {
  if (to === OPERATOR) return { id: OPERATOR, name: OPERATOR };
  const known = to === SYSTEM ? undefined : directory.byName(to);
  if (!known) {
    throw new HiveError(
      "not_found",
      `there is no recipient ${JSON.stringify(to)}; you can reach: ${reachableNames(directory, from).join(", ")}`,
    );
  }
  if (!mayReach(from, known.name)) {
    throw new HiveError(
      "forbidden",
      `your configuration does not let you send to ${known.name}; you can reach: ${reachableNames(directory, from).join(", ")}`,
    );
  }
  return known;
}
