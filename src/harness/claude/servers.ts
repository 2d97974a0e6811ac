import type { McpServerStatus, Query } from "@anthropic-ai/claude-agent-sdk";
import { MCP_TIMEOUT_MS } from "./options.ts";

/** Pause between two looks at servers that still connect: the CLI tells nobody when one has. Milliseconds. */
const LOOK_EVERY_MS = 100;
/** Characters of why a server did not connect. */
const MAX_WHY_CHARS = 200;

/**
 * The tool servers that have not connected once none is connecting any more, with the reason. Waits no longer than the
 * CLI does.
 */
export async function unconnected(query: Pick<Query, "mcpServerStatus">): Promise<Record<string, string>> {
  const until = performance.now() + MCP_TIMEOUT_MS + 1000;
  for (;;) {
    const servers = await query.mcpServerStatus();
    if (!servers.some((server) => server.status === "pending") || performance.now() > until)
      return Object.fromEntries(servers.filter((server) => server.status !== "connected").map((one) => [one.name, whyOf(one)]));
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function whyOf({ status, error }: McpServerStatus): string {
  if (status === "pending") return `not within ${MCP_TIMEOUT_MS / 1000} s`;
  return (error ?? status).split("\n")[0]?.slice(0, MAX_WHY_CHARS) ?? status;
}
