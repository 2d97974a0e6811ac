import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { connectLines } from "../../rpc/client.ts";
import { fullCommit } from "../commit.ts";
import type { ToolHost } from "./tool.ts";
import { answerTool, toolsFor } from "./tools.ts";

/** Serves the hive's tools on stdio to any other MCP client in the cage. Ends with its client. */
export async function serveStdio(socket: string, config: { path: string; home: string }): Promise<void> {
  const line = await connectLines(socket);
  const { role, repos } = await line.call("whoami", {});
  const host: ToolHost = {
    call: (name, input) => line.call(name, input),
    // The lease belongs to the turn, which the harness runs and acknowledges.
    leased: () => {},
    messageFrom: () => undefined,
    fullCommit: (agent, commit) => fullCommit(agent, commit, config.path, config.home),
  };
  const server = new McpServer({ name: "hive", version: "1" });
  for (const tool of toolsFor(role, { repos })) {
    server.registerTool(tool.name, { description: tool.description, inputSchema: tool.shape as never }, (async (
      args: Record<string, unknown>,
    ) => answerTool(tool, tool.name, host, args ?? {})) as never);
  }
  const transport = new StdioServerTransport();
  const ended = new Promise<void>((resolve) => {
    server.server.onclose = resolve;
    process.stdin.once("end", resolve);
  });
  await server.connect(transport);
  await Promise.race([ended, line.closed]);
  line.close();
}
