import { z } from "zod";
import { MAX_NOTE_CHARS, MAX_PAGE_ROWS } from "./limits.ts";
import { AgentName, Id } from "./names.ts";

/**
 * Who may call: `operator` over host.sock and HTTP; `agent` any program in a cage; `manager` any program in the
 * manager's cage; `harness` the one connection that said `hello`. The caller is the socket, never a field.
 */
export type Caller = "operator" | "agent" | "manager" | "harness";

/** One operation of the contract, with every fact about it that its transports and the disk gate need. */
export interface Operation {
  summary: string;
  callers: readonly Caller[];
  /** It answers with `output` lines for as long as the caller listens, and is served on host.sock alone. */
  stream?: true;
  /** It takes something new into the hive: it is refused while the disk is nearly full. What only ends things is not. */
  takesIn?: true;
  /**
   * How its handler answers. `by_call`: through two functions instead of a promise, whose tick would be a tenth of the
   * cost of a send.
   */
  reply?: "by_call";
  input: z.ZodObject;
  output: z.ZodObject;
  /** Writes an output where `JSON.stringify` is too slow for how often that is done. The same text, to the character. */
  text?(output: never): string;
}

export const nothing = z.object({});
export const agentOnly = z.object({ name: AgentName });
export const note = z.string().max(MAX_NOTE_CHARS);

/** Which agents a start or stop is for. Naming nobody is an error; everybody is only ever said out loud. */
export const Scope = z
  .object({ agent_names: z.array(AgentName).optional(), all: z.literal(true).optional() })
  .refine((scope) => scope.all === true || (scope.agent_names?.length ?? 0) > 0, 'name at least one agent, or say {"all":true}');

export const PerAgent = z.object({
  /** What became of each agent of the scope. `request` is the deploy that was made of it and is settled. */
  results: z.array(z.object({ name: z.string(), ok: z.boolean(), error: z.string().optional(), request: Id.optional() })),
});

/** What every paged listing takes. */
export const page = { limit: z.number().int().min(1).max(MAX_PAGE_ROWS).default(50) };
