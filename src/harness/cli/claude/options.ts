import type { CanUseTool, Options } from "@anthropic-ai/claude-agent-sdk";
import { NEVER_ALLOWED, type AgentConfig } from "../../../wire/config.ts";
import { isFollowing, readProject, SKILL_TOOL } from "./project.ts";
import { proxyEnvironment } from "../../proxy-environment.ts";

/** Built-in tools of every agent. Web access, tasks and questions are missing, because they go through the hive. */
const BUILT_IN = ["Bash", "Read", "Write", "Edit", "Glob", "Grep", "NotebookEdit"];
/** How long the CLI waits for a tool server to connect. Milliseconds. */
export const MCP_TIMEOUT_MS = 5_000;

export interface OptionInput {
  config: AgentConfig;
  model: string;
  systemPrompt: string;
  credentialKind: "api-key" | "oauth";
  sessionId: string | undefined;
  claude: string;
  home: string;
  workDir: string;
  /** The folder with the instructions of repositories. */
  projectsDir: string;
  /** The `PATH` of the tools. */
  path: string;
  modelUrl: string;
  egressUrl: string;
  /** Variables of the agent's programs besides those of its config. */
  granted: Record<string, string>;
}

/** Names of the servers whose tools are allowed without asking. */
function allowedTools(config: AgentConfig): string[] {
  const servers = ["hive", ...Object.keys(config.extraMcpServers)].map((name) => `mcp__${name}`);
  return [...builtIns(config), ...servers, ...config.tools.allow];
}

function builtIns(config: AgentConfig): string[] {
  const extra = config.tools.allow.map((rule) => rule.split("(")[0] ?? rule).filter((name) => !name.startsWith("mcp__"));
  const denied = new Set([...config.tools.deny, ...NEVER_ALLOWED]);
  return [...new Set([...BUILT_IN, ...(isFollowing(config) ? [SKILL_TOOL] : []), ...extra])].filter((name) => !denied.has(name));
}

/**
 * Allows every tool that the agent has. The CLI also asks about allowed tools if a command looks unusual to it (`a &
 * b`). The cage confines the agent, so an unusual command is allowed. Rules in `tools.deny` take precedence.
 */
function answerFor(tools: readonly string[]): CanUseTool {
  return async (name, input) =>
    tools.includes(name)
      ? { behavior: "allow", updatedInput: input }
      : { behavior: "deny", message: `${name} is not among this agent's tools (agent.json, tools.allow)` };
}

/**
 * The options of the CLI: the hive's prompt, tools and servers, and no settings that the agent may have written itself.
 * A tool that is not allowed is denied at once, because no operator is attached to answer.
 */
export function claudeOptions(input: OptionInput): Options {
  const { prompt, plugins, skills } = readProject(input.config, input.projectsDir);
  return {
    cwd: input.workDir,
    env: claudeEnvironment(input),
    pathToClaudeCodeExecutable: input.claude,
    settingSources: [],
    plugins,
    ...(skills === undefined ? {} : { skills }),
    strictMcpConfig: true,
    // Over stdin: every program of the cage can read a command line, and its length is limited.
    mcpServersDelivery: "initialize",
    tools: builtIns(input.config),
    allowedTools: allowedTools(input.config),
    disallowedTools: [...NEVER_ALLOWED, ...input.config.tools.deny],
    permissionMode: "default",
    canUseTool: answerFor(
      [...builtIns(input.config), ...input.config.tools.allow].filter((name) => !input.config.tools.deny.includes(name)),
    ),
    includePartialMessages: true,
    model: input.model,
    // Not stored in the session, so that changed instructions apply from the next start of the CLI, also on resume.
    systemPrompt: {
      type: "preset",
      preset: "claude_code",
      append: [input.systemPrompt, prompt].filter((part) => part !== "").join("\n\n"),
      snapshot: false,
    },
    ...(input.sessionId === undefined ? {} : { resume: input.sessionId }),
  };
}

/** Where the CLI stores its sessions and its own state. */
export const sessionFolder = (home: string): string => `${home}/.claude`;

/**
 * The complete environment of the CLI. The credential is a placeholder of the right kind, so that the CLI behaves
 * accordingly; the gateway replaces it with the real one. These variables restrict the CLI's own connections to its
 * base URL.
 */
function claudeEnvironment(input: OptionInput): Record<string, string> {
  return {
    LANG: "C.UTF-8",
    ...input.config.env,
    ...input.granted,
    HOME: input.home,
    PATH: `/opt/hive/bin:${input.path}`,
    SHELL: "/bin/sh",
    TMPDIR: "/tmp",
    ...proxyEnvironment(input.egressUrl, input.config.env),
    CLAUDE_CONFIG_DIR: sessionFolder(input.home),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
    CLAUDE_CODE_MAX_RETRIES: "2",
    DISABLE_AUTOUPDATER: "1",
    MCP_TIMEOUT: String(MCP_TIMEOUT_MS),
    ANTHROPIC_BASE_URL: input.modelUrl,
    ...(input.credentialKind === "oauth"
      ? { CLAUDE_CODE_OAUTH_TOKEN: "sk-ant-oat01-placeholder" }
      : { ANTHROPIC_API_KEY: "sk-ant-api03-placeholder" }),
  };
}
