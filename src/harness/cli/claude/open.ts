import type { McpServerConfig } from "@anthropic-ai/claude-agent-sdk";
import type { HarnessConfig } from "../../config.ts";
import type { Assignment } from "../../link.ts";
import type { AgentCli, CliSink } from "../port.ts";
import { Claude } from "./claude.ts";
import { resultHooks } from "./hooks.ts";
import { claudeOptions, sessionFolder } from "./options.ts";

/** The parts of the harness that Claude Code uses. */
export interface ClaudeHost {
  config: HarnessConfig;
  /** The newest assignment. A new process starts with its config and prompt. */
  assignment(): Assignment;
  /** The folder in which a new process starts. */
  workDir(): string;
  /** Makes the tool servers of a new process. */
  servers(): Record<string, McpServerConfig>;
  /** The loopback addresses of the model and of the egress proxy. */
  modelUrl: string;
  egressUrl: string;
  /** Variables of the agent's programs besides those of its config. */
  granted: Record<string, string>;
  /** What the hive has denied the agent's programs since the last tool call, in words. */
  denied(): string | undefined;
  sink: CliSink;
  log(words: string): void;
}

/** Claude Code in a cage, with the model and the session of the assignment. */
export function openClaude({
  config,
  assignment,
  workDir,
  servers,
  modelUrl,
  egressUrl,
  granted,
  denied,
  sink,
  log,
}: ClaudeHost): AgentCli {
  const first = assignment();
  return new Claude(
    {
      sessionFolder: sessionFolder(config.home),
      options: (model, sessionId) => ({
        ...claudeOptions({
          config: assignment().config,
          model,
          systemPrompt: assignment().system_prompt,
          credentialKind: assignment().credential_kind,
          sessionId,
          claude: config.claude,
          home: config.home,
          workDir: workDir(),
          projectsDir: config.projectsDir,
          path: config.path,
          modelUrl,
          egressUrl,
          granted,
        }),
        hooks: resultHooks(denied),
      }),
      servers,
      sink,
      log,
      warmMs: config.warmMs,
    },
    { model: first.model, sessionId: first.session_id },
  );
}
