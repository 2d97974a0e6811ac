import type { TokenCounts } from "../../wire/agent.ts";
import type { MessagesBody } from "./body.ts";

/** The two paths of the model API that are served. */
export type ModelPath = "/v1/messages" | "/v1/messages/count_tokens";

/** A request that has passed the policy, on its way to a model. */
export interface ModelRequest {
  agent: { id: string; name: string };
  path: ModelPath;
  /** Headers that may go on; the credential is not among them. */
  headers: Record<string, string>;
  /** The body as it came, which is what goes on, and as it was read. */
  raw: Buffer;
  body: MessagesBody;
  /** Aborts when the cage gives up. */
  signal: AbortSignal;
}

/** An answer on its way to the cage. A body that throws is a connection that was cut. */
export interface ModelReply {
  status: number;
  headers: Record<string, string>;
  body: AsyncIterable<Uint8Array>;
}

/** Where requests go: Anthropic's API, a compatible one, or the rehearsal. */
export type Upstream = (request: ModelRequest) => Promise<ModelReply>;

/** What one answer used. */
export interface Usage {
  agentId: string;
  model: string;
  tokens: TokenCounts;
  /** undefined for a model that has no price. */
  costUsd: number | undefined;
}

/** What an answer's status says of the agent or the account. */
export interface UpstreamSignal {
  agentId: string;
  kind: "ok" | "unauthorized" | "rate_limited" | "overloaded" | "unreachable";
  /** When the limit ends, if the answer says so. Milliseconds since the epoch. */
  resetsAt?: number;
}
