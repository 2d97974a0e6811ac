import type { Command } from "commander";
import { asksFirst } from "../deciding.ts";
import { UsageError } from "../exit.ts";
import { readSecret } from "../secret-input.ts";
import { act } from "../shell.ts";

/** The verbs for what lets a repository in at the host that it follows, and for what proves that host. */
export function repoLoginCommand(repo: Command): void {
  act<{ tokenStdin?: true; keyStdin?: true; none?: true }>(
    repo
      .command("login")
      .argument("<repo>", "the repository")
      .description("give a repository the token or key for the host that it follows, in place of the one that it has")
      .option("--token-stdin", "the token, from standard input, or typed unseen at a terminal")
      .option("--key-stdin", "the private key for ssh, from standard input")
      .option("--none", "remove the token or key"),
    async (shell, [name]: [string], { tokenStdin, keyStdin, none }) => {
      if ([tokenStdin, keyStdin, none].filter(Boolean).length !== 1)
        throw new UsageError("use one of --token-stdin, --key-stdin and --none");
      const { readKey } = await import("../remote-repo.ts");
      const token = tokenStdin === true ? await readSecret("the token: ") : undefined;
      const key = keyStdin === true ? await readKey() : undefined;
      const what = token === undefined ? "key" : "token";
      shell.show(await shell.client.call("repo_login", { name, token, key }), () =>
        none === true ? `${name} has no credential any more` : `${name} has the ${what}; hivectl repo fetch ${name} tries it`,
      );
    },
  );

  act<{ hostKey?: string; yes?: true }>(
    asksFirst(
      repo
        .command("trust")
        .argument("<repo>", "the repository")
        .description("accept another host key of the host that a repository follows over ssh")
        .option("--host-key <fingerprint>", "the fingerprint that its owner publishes: SHA256:…"),
    ),
    async (shell, [name]: [string], { hostKey, yes }) => {
      const { confirmHostKey } = await import("../remote-repo.ts");
      const { key, known } = await shell.client.call("repo_host_key", { name, fingerprint: hostKey });
      if (known !== undefined) process.stderr.write(`so far it had to show ${known.fingerprint} (${known.type})\n`);
      await confirmHostKey(shell, key, { hostKey, yes });
      shell.show(
        await shell.client.call("repo_trust", { name, host_key: key }),
        () => `${name} trusts ${key.fingerprint}; hivectl repo fetch ${name} tries it`,
      );
    },
  );
}
