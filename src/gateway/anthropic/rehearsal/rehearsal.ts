import type { ModelReply, ModelRequest, Upstream } from "../../model/dialect.ts";
import { choose, emptyMemory } from "./choose.ts";
import { readConversation } from "./conversation.ts";
import { streamedReply, wholeReply } from "./reply.ts";
import { Step, type Scenario } from "./scenario.ts";

const JSON_TYPE = { "content-type": "application/json" };
/** Characters per token, roughly. */
const CHARS_PER_TOKEN = 4;

/** A scripted model in place of a real one: the whole hive runs without an account and without a network. */
export function rehearsalUpstream(scenarios: readonly Scenario[]): Upstream {
  const memory = emptyMemory();
  /** True for the first `times` calls with a key. */
  const isFailing = (key: string, times: number): boolean => {
    const count = (memory.failures.get(key) ?? 0) + 1;
    memory.failures.set(key, count);
    return count <= times;
  };

  return async (request: ModelRequest): Promise<ModelReply> => {
    if (request.path === "/v1/messages/count_tokens") {
      return {
        status: 200,
        headers: JSON_TYPE,
        body: once(JSON.stringify({ input_tokens: Math.ceil(request.raw.length / CHARS_PER_TOKEN) })),
      };
    }
    const conversation = readConversation(request.body);
    const { step, key } =
      conversation.kind === "turn"
        ? choose(scenarios, request.agent.name, conversation, memory)
        : {
            step: Step.parse({
              say:
                conversation.kind === "compaction"
                  ? "<summary>\nA rehearsed summary: everything so far went well, and the turn goes on with the newest message.\n</summary>"
                  : "ok",
              chunk_ms: 0,
            }),
            key: "",
          };
    const pause = (ms: number): Promise<void> => waitUnless(ms, request.signal);
    if (step.wait_ms > 0) await pause(step.wait_ms);
    if (step.hang && isFailing(`hang ${key}`, step.hang.times)) await waitUnless(Number.POSITIVE_INFINITY, request.signal);
    if (step.error && isFailing(`error ${key}`, step.error.times)) return errorReply(step.error);
    if (request.body.stream !== true)
      return {
        status: 200,
        headers: { ...step.headers, ...JSON_TYPE },
        body: once(wholeReply(step, request.body, conversation.tools)),
      };
    const cutAfter = step.cut && isFailing(`cut ${key}`, step.cut.times) ? step.cut.after : undefined;
    return {
      status: 200,
      headers: { ...step.headers, "content-type": "text/event-stream; charset=utf-8" },
      body: streamedReply(step, request.body, conversation.tools, cutAfter, pause),
    };
  };
}

/** The API's own error types, by status. */
const ERROR_TYPES: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  429: "rate_limit_error",
  529: "overloaded_error",
};

function errorReply(error: NonNullable<Step["error"]>): ModelReply {
  const body = JSON.stringify({
    type: "error",
    error: { type: ERROR_TYPES[error.status] ?? "api_error", message: error.message },
  });
  return { status: error.status, headers: { ...JSON_TYPE, ...error.headers }, body: once(body) };
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** Waits, but not beyond the end of the connection. */
function waitUnless(ms: number, gone: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(new Error("the client is gone"));
    };
    const timer = Number.isFinite(ms)
      ? setTimeout(() => {
          gone.removeEventListener("abort", onAbort);
          resolve();
        }, ms)
      : undefined;
    if (gone.aborted) onAbort();
    else gone.addEventListener("abort", onAbort, { once: true });
  });
}
