import { z } from "zod";
import { messagePage } from "./message.ts";
import { AgentName, Id } from "./names.ts";
import { page, type Operation } from "./operation.ts";

/** The listing of messages, apart from the other operations, so that `hivectl pending` loads no more than it uses. */
export const messageListing = {
  messages: {
    summary: "Message history, newest last, of all or of one agent; or what waits in an agent's inbox, oldest first.",
    callers: ["operator"],
    input: z.object({
      ...page,
      agent: AgentName.or(z.enum(["operator", "system"])).optional(),
      before: Id.optional(),
      /** Only what waits in the inbox of `agent`. */
      waiting: z.boolean().optional(),
      /** Only dead and held messages, of every agent. */
      stuck: z.boolean().optional(),
    }),
    output: z.object(messagePage),
  },
} as const satisfies Record<string, Operation>;
