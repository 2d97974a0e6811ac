import type { Command } from "commander";
import { UsageError } from "../exit.ts";
import { readSecret } from "../secret-input.ts";
import { act } from "../shell.ts";

/** The verb that gives a repository a token for the host that it follows. */
export function repoLoginCommand(repo: Command): void {
  act<{ tokenStdin?: true; none?: true }>(
    repo
      .command("login")
      .argument("<repo>", "the repository")
      .description("give a repository the token for the host that it follows, in place of the one that it has")
      .option("--token-stdin", "the token, from standard input, or typed unseen at a terminal")
      .option("--none", "remove the token"),
    async (shell, [name]: [string], { tokenStdin, none }) => {
      if ((tokenStdin === true) === (none === true)) throw new UsageError("use one of --token-stdin and --none");
      const token = none === true ? undefined : await readSecret("the token: ");
      shell.show(await shell.client.call("repo_login", { name, token }), () =>
        token === undefined ? `${name} has no token any more` : `${name} has the token; hivectl repo fetch ${name} tries it`,
      );
    },
  );
}
