import type { IncomingHttpHeaders } from "node:http";
import type { TokenCounts } from "../../wire/agent.ts";
import type { HiveError } from "../../wire/error.ts";
import type { MessagesBody } from "../anthropic/body.ts";

/**
 * The format of a model API: which requests pass, how an answer is metered, what its status says, and how the hive's own
 * refusals look. `src/gateway/anthropic` is the only one. Its live upstream and its rehearsal serve the same requests.
 */
export interface Dialect {
  /** Returns the path to serve. Throws a `HiveError` for any other request. */
  pathOf(method: string | undefined, url: string | undefined): ModelPath;
  /** Parses a body by the schema of what is allowed. Throws a `HiveError` that names the field. */
  readBody(raw: Buffer): MessagesBody;
  /** The headers to forward, without a credential. */
  headersOf(headers: IncomingHttpHeaders): Record<string, string>;
  /** Throws a `HiveError` unless the agent may use the model. */
  checkModel(asked: string, configured: readonly string[]): void;
  meter(contentType: string): Meter;
  signalOf(status: number, headers: Record<string, string>): Omit<UpstreamSignal, "agentId" | "credential">;
  /** Makes the client take an error as final. */
  withoutRetry(headers: Record<string, string>): Record<string, string>;
  /** A refusal by the hive in the API's format. The client must not retry it or ask for a login. */
  refusal(error: HiveError): { status: number; headers: Record<string, string>; body: string };
}

/** Reads the usage of one answer from its bytes as they pass. */
export interface Meter {
  take(chunk: Uint8Array): void;
  /** Call it after the last chunk. */
  end(): void;
  /** The counts so far. */
  readonly tokens: TokenCounts;
  /** The model that answers, once the answer has named it. */
  readonly model: string | undefined;
}

/** The paths of the model API that are served. */
export type ModelPath = "/v1/messages" | "/v1/messages/count_tokens";

/** A request that has passed the policy. */
export interface ModelRequest {
  agent: { id: string; name: string };
  /** The name of the credential that it is sent with. */
  credential: string;
  path: ModelPath;
  /** Headers to forward, without the credential. */
  headers: Record<string, string>;
  /** The body: the original bytes, which are forwarded, and the parsed form. */
  raw: Buffer;
  body: MessagesBody;
  /** Aborts when the cage closes the request. */
  signal: AbortSignal;
}

/** An answer to the cage. A body that throws is an aborted connection. */
export interface ModelReply {
  status: number;
  headers: Record<string, string>;
  body: AsyncIterable<Uint8Array>;
}

/** Where requests are sent: Anthropic's API, a compatible one, or the rehearsal. */
export type Upstream = (request: ModelRequest) => Promise<ModelReply>;

/** The usage of one answer. */
export interface Usage {
  agentId: string;
  /** The name of the credential. */
  credential: string;
  model: string;
  tokens: TokenCounts;
  /** Undefined for a model without a price. */
  costUsd: number | undefined;
  /**
   * What the answer counts in a budget, in US dollars: by the price of the model that was asked for, if the one that
   * answered has none.
   */
  budgetUsd: number;
  /** The model that was asked. */
  requestModel: string;
  /** When the request was forwarded and its answer ended. Milliseconds since the epoch. */
  startedAt: number;
  endedAt: number;
}

/** How much of a subscription's limit for a window of time is used. */
export interface PlanUse {
  /** The plan's name for the window, such as `5h`. */
  window: string;
  /** A fraction; above 1 where the plan allows more. */
  used: number;
  /** Milliseconds since the epoch. */
  resetsAt?: number;
}

/** What the status of an answer says about the agent or the account. */
export interface UpstreamSignal {
  agentId: string;
  /** The name of the credential. */
  credential: string;
  kind: "ok" | "unauthorized" | "rate_limited" | "overloaded" | "unreachable";
  /** When the limit ends, if the answer states it. Milliseconds since the epoch. */
  resetsAt?: number;
  /** The plan's limits, if the answer states them. */
  plan?: PlanUse[];
}
