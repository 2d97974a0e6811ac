import type { Role } from "../wire/roles.ts";

/** An operator of the hive. `role` changes in place, so an open connection has the role that counts now. */
export interface Operator {
  readonly name: string;
  readonly role: Role;
}
