import type { Agent } from "../../agents/agent.ts";
import type { HarnessSession } from "../../agents/harness-session.ts";
import type { Connection } from "../../rpc/server.ts";
import type { ByCall } from "../../wire/by-call.ts";
import type { OperationName, Operations, Output, Parsed } from "../../wire/operations.ts";
import type { Hive } from "../system.ts";

/** Who calls, as the socket says. */
export type CallerContext =
  | {
      kind: "operator";
      ended: AbortSignal;
      /** A page was looked at: what it approves has to be named by its digest. */ browser?: boolean;
    }
  | {
      kind: "agent";
      agent: Agent;
      connection: Connection;
      harness: HarnessSession | undefined;
      becomeHarness(session: HarnessSession): void;
    };

type Result<N extends OperationName> = Operations[N] extends { stream: true }
  ? AsyncIterable<Output<N>>
  : Operations[N] extends { reply: "by_call" }
    ? ByCall<Output<N>>
    : Promise<Output<N>> | Output<N>;

export type Handler<N extends OperationName> = (hive: Hive, input: Parsed<N>, caller: CallerContext) => Result<N>;

/** One handler for each operation of the contract: the compiler says which is missing. */
export type Handlers = { [N in OperationName]: Handler<N> };
