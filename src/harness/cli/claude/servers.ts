import type { McpServerStatus, Query } from "@anthropic-ai/claude-agent-sdk";
import { MCP_TIMEOUT_MS } from "./options.ts";

/** The polling interval while servers connect, because the CLI does not report a connection. Milliseconds. */
const POLL_EVERY_MS = 100;
/** Maximum characters of the reason why a server did not connect. */
const MAX_WHY_CHARS = 200;

/**
 * Returns the tool servers that failed to connect, with the reason, once no server is connecting any more. Waits no
 * longer than the CLI does.
 */
export async function unconnected(query: Pick<Query, "mcpServerStatus">): Promise<Record<string, string>> {
  const until = performance.now() + MCP_TIMEOUT_MS + 1000;
  for (;;) {
    const servers = await query.mcpServerStatus();
    if (!servers.some((server) => server.status === "pending") || performance.now() > until)
      return Object.fromEntries(servers.filter((server) => server.status !== "connected").map((one) => [one.name, whyOf(one)]));
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS));
  }
}

function whyOf({ status, error }: McpServerStatus): string {
  if (status === "pending") return `not within ${MCP_TIMEOUT_MS / 1000} s`;
  return (error ?? status).split("\n")[0]?.slice(0, MAX_WHY_CHARS) ?? status;
}
