import { z } from "zod";
import { DEFAULT_CREDENTIAL } from "./default-credential.ts";
export { OPERATOR } from "./roles.ts";

/** Names of principals and scopes, and names that could be mistaken for one. A new agent cannot take them. */
export const RESERVED_NAMES = ["operator", "system", "manager", "hm1nd", "self", "all"] as const;

/** The manager agent, created at first start. */
export const MANAGER = "hm1nd";
/** The daemon as a sender. */
export const SYSTEM = "system";

const NAME = /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
const NAME_RULE = "1 to 32 of a-z, 0-9 and '-', starting with a letter and not ending in '-'";

/** The name of an agent that exists or is requested, including `hm1nd`. `manager` is accepted as its alias. */
export const AgentName = z
  .string()
  .transform((name) => (name === "manager" ? MANAGER : name))
  .pipe(z.string().regex(NAME, `an agent name is ${NAME_RULE}`));

/** A name for a new agent: well-formed and not reserved. */
export const NewAgentName = z
  .string()
  .regex(NAME, `an agent name is ${NAME_RULE}`)
  .refine((name) => !(RESERVED_NAMES as readonly string[]).includes(name), "this name is reserved");

/** A name for an operator. It does not have to differ from the agents' names. */
export const OperatorName = z
  .string()
  .regex(NAME, `an operator's name is ${NAME_RULE}`)
  .refine((name) => !(RESERVED_NAMES as readonly string[]).includes(name), "this name is reserved");

/** A name for a credential of the model besides the hive's own. */
export const CredentialName = z
  .string()
  .regex(NAME, `a credential's name is ${NAME_RULE}`)
  .refine((name) => name !== DEFAULT_CREDENTIAL, "this is the hive's own credential, which needs no name: leave it out");

/** Where a message may be sent: an agent, `operator`, `manager`, or `*` for every agent that the sender may reach. */
export const Recipient = z
  .string()
  .min(1)
  .max(64)
  .overwrite((to) => {
    const name = to.startsWith("@") ? to.slice(1) : to;
    return name === "manager" ? MANAGER : name;
  });

/** Ids are integers that fit a JSON number exactly: at most 2^53 - 1. */
export const Id = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

/** A position in the hive's event sequence. 0 means "from the beginning". */
export const Seq = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** Characters of an instant: those of one with nanoseconds. */
const MAX_INSTANT_CHARS = 30;

/** Instants on the wire: RFC 3339 in UTC, as `instant` writes them. */
export const Instant = z.string().max(MAX_INSTANT_CHARS).datetime();
