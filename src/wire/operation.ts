import { z } from "zod";
import { MAX_AGENTS, MAX_NOTE_CHARS, MAX_PAGE_ROWS } from "./limits.ts";
import { AgentName, Id } from "./names.ts";

/**
 * Who may call: `operator` over host.sock and HTTP; `agent` for any program in a cage; `manager` for any program in the
 * manager's cage; `harness` for the one connection that sent `hello`. The socket identifies the caller, never a field.
 */
export type Caller = "operator" | "agent" | "manager" | "harness";

/** One operation of the contract, with everything that its transports and the disk gate need. */
export interface Operation {
  summary: string;
  callers: readonly Caller[];
  /** The operation sends `output` lines while the caller listens. Only host.sock serves it, unless it is `onPages`. */
  stream?: true;
  /** A stream that pages may call, too: over HTTP its answer is its last line, and it goes on if the page leaves. */
  onPages?: true;
  /**
   * The operation adds data to the hive, so it is refused while the disk is nearly full. Operations that only end
   * something are not.
   */
  takesIn?: true;
  /**
   * How the handler answers. `by_call`: through two callbacks instead of a promise, whose tick would be a tenth of the
   * cost of a send.
   */
  reply?: "by_call";
  input: z.ZodObject;
  output: z.ZodObject;
}

export const nothing = z.object({});
export const agentOnly = z.object({ name: AgentName });
export const note = z.string().max(MAX_NOTE_CHARS);

/** The agents of a start or stop. An empty scope is an error; all agents need an explicit `all`. */
export const Scope = z
  .object({ agent_names: z.array(AgentName).max(MAX_AGENTS).optional(), all: z.literal(true).optional() })
  .refine((scope) => scope.all === true || (scope.agent_names?.length ?? 0) > 0, 'name at least one agent, or say {"all":true}');

export const PerAgent = z.object({
  /** The result for each agent of the scope. `request` is the finished deploy that the operation created for it. */
  results: z.array(z.object({ name: z.string(), ok: z.boolean(), error: z.string().optional(), request: Id.optional() })),
});

/** The parameter of every paged listing. */
export const page = { limit: z.number().int().min(1).max(MAX_PAGE_ROWS).default(50) };

/**
 * What a listing says of its end: true if there are more rows. Ask again with `before` the id of the last one. A listing
 * ends early when it is full of bytes.
 */
export const pageEnd = { more: z.boolean().optional() };
