import { createSdkMcpServer, tool, type McpServerConfig } from "@anthropic-ai/claude-agent-sdk";
import type { AgentConfig } from "../../wire/config.ts";
import type { AgentRole } from "../../wire/agent.ts";
import type { Residents } from "./resident.ts";
import { answerTool, toolsFor, type ToolHost } from "./tools.ts";

/**
 * The MCP servers of one CLI process: `hive` in this process (a call costs no process and no port), the agent's own on
 * stdio as the CLI's children, resident ones through this process, which runs them.
 */
export function mcpServers(
  role: AgentRole,
  config: AgentConfig,
  host: ToolHost,
  residents: Residents,
): Record<string, McpServerConfig> {
  const hive = createSdkMcpServer({
    name: "hive",
    version: "1",
    // Otherwise the tools hide behind a search tool and a model has to look for them.
    alwaysLoad: true,
    tools: toolsFor(role).map((one) => tool(one.name, one.description, one.shape, (args) => answerTool(one, host, args))),
  });
  const servers: Record<string, McpServerConfig> = { hive };
  for (const [name, server] of Object.entries(config.extraMcpServers)) {
    servers[name] = server.resident
      ? { type: "sdk", name, instance: residents.serverFor(name) }
      : { type: "stdio", command: server.command, args: server.args, env: server.env, alwaysLoad: true };
  }
  return servers;
}
