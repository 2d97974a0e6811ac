import type { Command } from "commander";
import { agentName } from "../arguments.ts";
import { act } from "../shell.ts";
import { group } from "../verbs.ts";

/** Verbs for the workspaces of agents. */
export function workspaceCommands(program: Command): void {
  const work = group(program, "work", "agents whose workspace is not ready: make it again, or let them go on without");

  for (const [verb, operation, words, done] of [
    [
      "retry",
      "workspace_retry",
      "make an agent's workspace again, with the repository's settings as they are now",
      "is made again",
    ],
    ["skip", "workspace_skip", "let an agent go on although its workspace is not ready", "is skipped"],
  ] as const)
    act(work.command(verb).argument("<name>", "the agent", agentName).description(words), async (shell, [name]: [string]) => {
      shell.show(await shell.client.call(operation, { name }), () => `the workspace of ${name} ${done}`);
    });
}
