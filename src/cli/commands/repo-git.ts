import type { Command } from "commander";
import { hivectl } from "../../lib/hivectl.ts";
import { visible } from "../print.ts";
import { act } from "../shell.ts";
import { readMessage } from "../stdin.ts";

/** Verbs that connect the user's own clone to a repository of the hive. */
export function repoGitCommands(repo: Command): void {
  act<{ add?: boolean }>(
    repo
      .command("remote")
      .argument("<repo>", "the repository")
      .argument(
        "[folder]",
        "your clone; by default the one you are in, or the folder that the repository follows if you are in no clone of it",
      )
      .description("print the address of a repository for git; --add makes it the remote `hive` of your clone")
      .option("--add", "add the remote `hive` to the clone, with a credential helper for this address only"),
    async (shell, [name, given]: [string, string?], { add = false }) => {
      const { url } = await shell.client.call("repo_token", { name });
      if (add) {
        const { addRemote, isCloneOf } = await import("../hive-remote.ts");
        const here = process.cwd();
        const upstream = given === undefined ? (await shell.client.call("repo", { name })).repo.upstream : undefined;
        // An upstream on another host is no folder.
        const isHere = upstream?.startsWith("/") !== true || (await isCloneOf(here, name, upstream));
        const folder = given ?? (isHere ? here : upstream);
        await addRemote(folder, name, url, shell.socketPath);
        const where = `the remote hive of ${visible(folder)} is ${url}`;
        return shell.show(
          { url, added: add },
          () => `${where}: \`git fetch hive\` there gets its bases and the agents' branches`,
        );
      }
      shell.show({ url, added: add }, () => url);
    },
  );

  act(
    repo
      .command("credential")
      .argument("<repo>", "the repository")
      .argument("<operation>", "what git asks for; only get is answered")
      .description("the credential helper that git runs: answers with a token of ten minutes"),
    async (shell, [name, operation]: [string, string]) => {
      if (operation !== "get") return shell.show({}, () => "");
      const { credentialAnswer, credentialQuestion, isAsked } = await import("../git-credential.ts");
      const question = process.stdin.isTTY ? "" : await readMessage();
      const issued = await shell.client.call("repo_token", { name });
      // No answer: git asks the next helper.
      if (!isAsked(credentialQuestion(question), issued.url)) return shell.show({}, () => "");
      shell.show(issued, credentialAnswer);
    },
    undefined,
    ([name]) => `if the hive has moved, run ${hivectl(`repo remote ${visible(String(name))} --add`)} in the clone again`,
  );
}
