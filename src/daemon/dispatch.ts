import { ALL_AGENTS } from "../messages/recipients.ts";
import type { Answer } from "../rpc/server.ts";
import type { ByCall } from "../wire/by-call.ts";
import { HiveError } from "../wire/error.ts";
import { takesIn, type OperationName, type Parsed } from "../wire/operations.ts";
import type { Disk } from "./disk.ts";
import { actorOf } from "./handlers/caller.ts";
import { handlers } from "./handlers/index.ts";
import { senderOf } from "./handlers/messages.ts";
import type { CallerContext, HandlerContext } from "./handlers/types.ts";
import type { Metrics } from "./metrics.ts";
import { recordOf } from "./recorded.ts";
import { MESSAGE_BYTES, type Retention } from "./retention.ts";

export interface DispatchDeps {
  /** The parts that the handlers use. */
  context: HandlerContext;
  disk: Pick<Disk, "low" | "explain">;
  retention: Pick<Retention, "added">;
  metrics: Pick<Metrics, "called">;
  onUnexpected(error: unknown): void;
}

/** Runs an operation for a caller. Its input has been parsed. */
export type Call = (name: OperationName, input: never, caller: CallerContext) => ByCall<object> | AsyncIterable<object>;

/** Wraps every handler. Refuses new data while the disk is nearly full, counts calls, and counts what agents store. */
export function openDispatch(deps: DispatchDeps): Call {
  const { context, disk, retention, metrics, onUnexpected } = deps;
  const { broker, swarm, operators, passkeys, secrets } = context;

  /** A repeated send is answered from the stored one and adds no data. */
  const isStored = (name: OperationName, input: Parsed<"send">, caller: CallerContext): boolean =>
    name === "send" && broker.stored(senderOf(caller), input) !== undefined;

  /** The bytes that an agent's call stores. A body is stored once for each recipient. */
  const storedBytes = (name: OperationName, input: object): number => {
    if (name === "ask_operator") return MESSAGE_BYTES + JSON.stringify(input).length;
    if (name !== "send") return 0;
    const { to, body } = input as Parsed<"send">;
    return (MESSAGE_BYTES + body.length) * (to === ALL_AGENTS ? swarm.all().length : 1);
  };

  const recorded = ({ kind, ...about }: NonNullable<ReturnType<typeof recordOf>>, caller: CallerContext): Promise<void> =>
    context.store.write(() =>
      context.store.ledger.audit(context.store.nextSeq(), { at: context.now(), actor: actorOf(caller), kind, ...about }),
    );

  return (name, given, caller) => {
    // One place for all that a cage says: events, messages, questions, changes, states.
    const input = caller.kind === "agent" ? secrets.withoutValues(caller.agent, given) : given;
    // The transports ask before they parse. Asked again here, the rule holds even for a transport that does not ask.
    if (caller.kind === "operator") {
      operators.permit(caller.operator, name);
      passkeys.permit(caller.operator.name, name, input, caller.browser?.isConfirmed === true);
    }
    if (disk.low && takesIn(name) && !isStored(name, input, caller))
      throw new HiveError(
        "disk_full",
        "the disk is nearly full: new data is refused until there is room. Free some and try again",
      );
    metrics.called(name, caller.kind);
    if (caller.kind === "agent") {
      const bytes = storedBytes(name, input);
      if (bytes > 0) void retention.added(caller.agent.id, bytes).catch(onUnexpected);
    }
    const handler = handlers[name] as (context: HandlerContext, input: never, caller: CallerContext) => Answer | object;
    const result = handler(context, input, caller);
    // A stream is passed on unchanged.
    if (Symbol.asyncIterator in result) return result as AsyncIterable<object>;
    const record = caller.kind === "operator" ? recordOf(name, input) : undefined;
    return (whenDone, failed) => {
      const explained = (error: unknown): void => failed(disk.explain(error));
      const done =
        record === undefined
          ? whenDone
          : (output: object) => void recorded(record, caller).then(() => whenDone(output), explained);
      if (typeof result === "function") (result as ByCall<object>)(done, explained);
      else if (result instanceof Promise) result.then(done, explained);
      else done(result);
    };
  };
}
