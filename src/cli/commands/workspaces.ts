import type { Command } from "commander";
import { agentName } from "../arguments.ts";
import { asksFirst, confirm } from "../deciding.ts";
import { act } from "../shell.ts";
import { group } from "../verbs.ts";

/** Verbs for the workspaces of agents. */
export function workspaceCommands(program: Command): void {
  const work = group(
    program,
    "work",
    "workspaces of agents: list them, show what differs, drop them; make one again that is not ready, or let the agent go on without",
  );

  act(
    work
      .command("list")
      .argument("[name]", "the agent; by default all of them", agentName)
      .description("the workspaces that agents have on disk, also those of repositories that are not in their config any more"),
    async (shell, [name]: [string?]) => {
      const { workspaceTable } = await import("../repo-text.ts");
      shell.show(await shell.client.call("workspaces", { name }), ({ workspaces }) =>
        workspaces.length === 0 ? "there is no workspace" : workspaceTable(workspaces, shell),
      );
    },
  );

  act<{ file?: string }>(
    work
      .command("diff")
      .argument("<name>", "the agent", agentName)
      .argument("<repo>", "the repository")
      .description("what an agent has changed in a workspace since it parted from its base, committed or not")
      .option("-f, --file <path>", "the whole patch of one file"),
    async (shell, [name, repo]: [string, string], { file: path }) => {
      if (path !== undefined) {
        const { showPatch } = await import("../patch.ts");
        return showPatch(shell, (after) => shell.client.call("workspace_file", { name, repo, path, after }));
      }
      const { workspaceText } = await import("../workspace-text.ts");
      const showFile = `work diff ${name} ${repo} --file <path>`;
      shell.show(await shell.client.call("workspace_diff", { name, repo }), (output) => workspaceText(output, shell, showFile));
    },
  );

  act<{ yes?: boolean }>(
    asksFirst(
      work
        .command("drop")
        .argument("<name>", "the agent", agentName)
        .argument("<repo>", "the repository, which is not in the agent's config any more")
        .description("remove a workspace of an agent from disk, with what it has not pushed, for good"),
    ),
    async (shell, [name, repo]: [string, string], options) => {
      await confirm(shell, options, `remove the workspace ${repo} of ${name}, with what it has not pushed, for good`);
      await shell.client.call("workspace_drop", { name, repo });
      shell.show({}, () => `the workspace ${repo} of ${name} is removed`);
    },
  );

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
