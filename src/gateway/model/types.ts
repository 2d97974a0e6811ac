import type { TokenCounts } from "../../wire/agent.ts";
import type { MessagesBody } from "../anthropic/body.ts";

/** The two paths of the model API that are served. */
export type ModelPath = "/v1/messages" | "/v1/messages/count_tokens";

/** A request that has passed the policy. */
export interface ModelRequest {
  agent: { id: string; name: string };
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
  model: string;
  tokens: TokenCounts;
  /** Undefined for a model without a price. */
  costUsd: number | undefined;
}

/** What the status of an answer says about the agent or the account. */
export interface UpstreamSignal {
  agentId: string;
  kind: "ok" | "unauthorized" | "rate_limited" | "overloaded" | "unreachable";
  /** When the limit ends, if the answer states it. Milliseconds since the epoch. */
  resetsAt?: number;
}
