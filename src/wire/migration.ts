import { z } from "zod";
import { MAX_AGENTS } from "./limits.ts";
import { AgentName } from "./names.ts";
import type { Operation } from "./operation.ts";

/** Where an agent is on its way into a container. */
const MigrationState = z.enum([
  /** Nothing is known to stand against it; its system is not built. */
  "ready",
  /** Its system is built: it boots it as soon as the hive is started with containers. */
  "built",
  /** The hive runs containers, and its generation has a system. */
  "moved",
  /** Something stands against it. */
  "blocked",
]);

export const MigrationRow = z.object({
  name: AgentName,
  state: MigrationState,
  generation: z.number().int(),
  /** What stays where it is: its folders, and the repositories it has workspaces of. */
  bytes: z.number().optional(),
  repos: z.array(z.string()),
  /** What stands against it, or how its build failed: each a sentence. */
  problems: z.array(z.string()),
});
export type MigrationRow = z.infer<typeof MigrationRow>;

export const MigrationView = z.object({
  /** What runs agents now. */
  driver: z.string(),
  /** What stands against all agents on this host. */
  problems: z.array(z.string()),
  /** What to know about this host. Nothing is refused for it. */
  warnings: z.array(z.string()),
  agents: z.array(MigrationRow),
});
export type MigrationView = z.infer<typeof MigrationView>;

export const migrationOperations = {
  migrate: {
    summary:
      "The move of agents into cages with NixOS systems of their own, while they run: what stands against it (check), their systems built for it (build), or removed again (undo). Tells how far it is, and at the end where each agent is.",
    callers: ["operator"],
    stream: true,
    input: z.object({
      what: z.enum(["check", "build", "undo"]).default("check"),
      /** By default all. */
      agents: z.array(AgentName).min(1).max(MAX_AGENTS).optional(),
      /** Commits whose Nix code the operator has read, so that it may be built: what these agents run now. */
      reviewed: z
        .array(z.object({ agent: AgentName, commit: z.string().regex(/^[0-9a-f]{12,40}$/, "takes 12 to 40 hex digits") }))
        .max(MAX_AGENTS)
        .optional(),
    }),
    output: z.object({
      progress: z.object({ agent: AgentName, words: z.string() }).optional(),
      migration: MigrationView.optional(),
    }),
  },
} as const satisfies Record<string, Operation>;
