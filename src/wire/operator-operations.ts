import { z } from "zod";
import { Instant, OPERATOR, OperatorName } from "./names.ts";
import { nothing, type Operation } from "./operation.ts";
import { ROLES } from "./roles.ts";

export const Role = z.enum(ROLES);

/** The operator that calls. */
export const You = z.object({
  name: z.string(),
  role: Role,
  /** True if its approvals need a passkey (`second-step.ts`). */
  passkey: z.literal(true).optional(),
});
export type You = z.infer<typeof You>;

/** An operator that exists, also `operator` itself. */
const AnyOperator = z.literal(OPERATOR).or(OperatorName);

/** Characters of a Unix user's name: Linux's own limit. */
const MAX_USER_CHARS = 32;
const UnixUser = z
  .string()
  .max(MAX_USER_CHARS)
  .regex(/^[a-z_][a-z0-9_.-]*\$?$/i, "a Unix user's name is letters, digits, '_', '.' and '-', and does not start with a digit");

/** Someone who may use the hive, and where. */
export const OperatorView = z.object({
  name: z.string(),
  role: Role,
  /** The Unix user who owns the socket. Absent for `operator`, whose socket is host.sock. */
  user: z.string().optional(),
  socket: z.string(),
  /** Its passkeys, and whether its approvals need one. */
  passkeys: z.number().int(),
  passkey_required: z.boolean(),
  /** Absent for `operator`, who is always there. */
  added_at: Instant.optional(),
  /** Why the socket is not served, and what to do. */
  problem: z.string().optional(),
});
export type OperatorView = z.infer<typeof OperatorView>;

/** The operations on operators. */
export const operatorOperations = {
  operators: {
    summary: "Who may use this hive, with their roles, and which of them the caller is.",
    callers: ["operator"],
    input: nothing,
    output: z.object({ operators: z.array(OperatorView), you: You }),
  },
  operator_add: {
    summary: "Add an operator with a socket of its own, for a Unix user: the one of the same name, if none is given.",
    callers: ["operator"],
    takesIn: true,
    input: z.object({ name: OperatorName, role: Role, user: UnixUser.optional() }),
    output: z.object({ operator: OperatorView }),
  },
  operator_set: {
    summary: "Change an operator's role. It counts at once, for open sessions and connections too.",
    callers: ["operator"],
    input: z.object({ name: AnyOperator, role: Role }),
    output: z.object({ operator: OperatorView }),
  },
  operator_remove: {
    summary: "Remove an operator. Its socket, sessions, launch links and git tokens end at once.",
    callers: ["operator"],
    input: z.object({ name: AnyOperator }),
    output: nothing,
  },
} as const satisfies Record<string, Operation>;
