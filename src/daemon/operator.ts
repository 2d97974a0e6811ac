import type { Store } from "../store/store.ts";
import { HiveError } from "../wire/error.ts";
import { OPERATOR } from "../wire/names.ts";
import type { Role } from "../wire/roles.ts";

/** An operator of the hive. `role` changes in place, so an open connection has the role that counts now. */
export interface Operator {
  readonly name: string;
  readonly role: Role;
}

/** Throws if an operator has been removed. In the transaction that gives it something, so that nothing outlives it. */
export function checkOperator({ operators }: Pick<Store, "operators">, name: string): void {
  if (name !== OPERATOR && !operators.has(name))
    throw new HiveError("unauthorized", `${name} is no operator of this hive any more`);
}
