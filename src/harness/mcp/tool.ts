import { z } from "zod";
import type { AgentRole } from "../../wire/agent.ts";
import { parseOrThrow } from "../../wire/error.ts";
import type { Input, OperationName, Output } from "../../wire/operations.ts";

/** The parts of the harness that the tools use. */
export interface ToolHost {
  call<N extends OperationName>(name: N, input: Input<N>): Promise<Output<N>>;
  /** Resolves a commit to its full name in an agent's proposed repository. Throws an explanation if it is not one. */
  fullCommit(agent: string, commit: string): Promise<string>;
  /** Called when a message is leased into the running turn. */
  leased(lease: { id: number; token: string; from: string }): void;
  /** The message of this turn from that sender, to answer. Undefined if there is none. */
  messageFrom(sender: string): number | undefined;
}

/** An MCP tool: a description that a model can act on, a plain input shape, and the text of its answer. */
export interface HiveTool {
  name: string;
  description: string;
  roles: readonly AgentRole[];
  /** Only for agents with repositories. */
  onRepositories?: true;
  shape: z.ZodRawShape;
  run(host: ToolHost, args: Record<string, unknown>): Promise<string>;
}

export const ALL_ROLES = ["agent", "manager"] as const;
export const MANAGER_ONLY = ["manager"] as const;

/** A tool whose arguments are parsed by its shape. */
export function define<S extends z.ZodRawShape>(tool: {
  name: string;
  description: string;
  roles: readonly AgentRole[];
  onRepositories?: true;
  shape: S;
  run(host: ToolHost, args: z.infer<z.ZodObject<S>>): Promise<string>;
}): HiveTool {
  const schema = z.object(tool.shape);
  return { ...tool, run: (host, args) => tool.run(host, parseOrThrow(schema, args)) };
}
