import type { Agent } from "../../agents/agent.ts";
import { HiveError } from "../../wire/error.ts";
import type { HarnessSession } from "../../agents/harness-session.ts";
import { includes, operatorActor } from "../../wire/roles.ts";
import type { Operator } from "../operator.ts";
import type { Asker } from "../passkeys/challenges.ts";
import type { CallerContext } from "./types.ts";

/** The agent that a cage's call comes from. The socket lets no other caller through, so anything else is a defect. */
export function agentOf(caller: CallerContext): Extract<CallerContext, { kind: "agent" }> {
  if (caller.kind !== "agent") throw new Error("an agent's operation was called by the operator");
  return caller;
}

/** The operator that calls. Only for operations that no agent may call; anything else is a defect. */
export function operatorOf(caller: CallerContext): Operator {
  if (caller.kind !== "operator") throw new Error("an operator's operation was called by an agent");
  return caller.operator;
}

/** The operator that calls from a page, with the log-in of that page. Throws `conflict` for any other caller. */
export function askerOf(caller: CallerContext): Asker {
  const operator = operatorOf(caller);
  if (caller.kind !== "operator" || !caller.browser)
    throw new HiveError("conflict", "a passkey is used in a browser: open the page, and your name in its bar");
  return { operator: operator.name, login: caller.browser.login };
}

/** Who calls, as the audit trail, requests and changes name it: an agent's name, or an operator's (`operatorActor`). */
export const actorOf = (caller: CallerContext): string =>
  caller.kind === "operator" ? operatorActor(caller.operator.name) : caller.agent.name;

/** Whether an approval of this caller may give an agent folders of the host. */
export const mayMount = (caller: CallerContext): boolean => caller.kind === "operator" && includes(caller.operator.role, "admin");

/** The harness that a call comes from. */
export function harnessOf(caller: CallerContext): { agent: Agent; session: HarnessSession } {
  const { agent, harness } = agentOf(caller);
  if (!harness) throw new HiveError("forbidden", "this connection has no harness: call hello first");
  // A connection that a newer harness of the same cage has replaced may not continue.
  if (agent.harness !== harness) throw new HiveError("conflict", "another harness has replaced this one");
  return { agent, session: harness };
}
