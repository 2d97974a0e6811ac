import type { McpServerConfig } from "@anthropic-ai/claude-agent-sdk";
import type { AgentConfig } from "../../wire/config.ts";
import type { AgentRole } from "../../wire/agent.ts";
import type { Residents } from "./resident.ts";
import { ToolServer } from "./tool-server.ts";
import type { ToolHost } from "./tool.ts";
import { answerTool, describeTool, toolsFor } from "./tools.ts";

/**
 * The MCP servers of one CLI process: `hive` runs in this process (a call costs no process and no port), the agent's
 * own servers run on stdio as children of the CLI, and resident servers are children of this process.
 */
export function mcpServers(
  role: AgentRole,
  config: AgentConfig,
  host: ToolHost,
  residents: Residents,
): Record<string, McpServerConfig> {
  const tools = new Map(toolsFor(role, config).map((tool) => [tool.name, tool]));
  const hive = new ToolServer("hive", {
    // Otherwise the CLI hides them behind a search tool.
    tools: [...tools.values()].map((tool) => ({ ...describeTool(tool), _meta: { "anthropic/alwaysLoad": true } })),
    call: (name, args) => answerTool(tools.get(name), name, host, args),
  });
  const servers: Record<string, McpServerConfig> = { hive: { type: "sdk", name: "hive", instance: hive.instance } };
  for (const [name, server] of Object.entries(config.extraMcpServers)) {
    servers[name] = server.resident
      ? { type: "sdk", name, instance: residents.serverFor(name) }
      : { type: "stdio", command: server.command, args: server.args, env: server.env, alwaysLoad: true };
  }
  return servers;
}
