import { hivectl } from "../../lib/hivectl.ts";
import type { Command } from "commander";
import { asksFirst } from "../deciding.ts";
import { UsageError } from "../exit.ts";
import { readSecret } from "../secret-input.ts";
import { act } from "../shell.ts";

/** The verbs for what lets a repository in at the host that it follows, and for what proves that host. */
export function repoLoginCommand(repo: Command): void {
  act<{ tokenStdin?: true; keyStdin?: true; none?: true; forgeTokenStdin?: true; forgeNone?: true }>(
    repo
      .command("login")
      .argument("<repo>", "the repository")
      .description("give a repository the token or key for the host that it follows, in place of the one that it has")
      .option("--token-stdin", "the token, from standard input, or typed unseen at a terminal")
      .option("--key-stdin", "the private key for ssh, from standard input")
      .option("--none", "remove the token or key")
      .option("--forge-token-stdin", "a token of its own for pull requests, in place of that of the pushes")
      .option("--forge-none", "remove the token for pull requests"),
    async (shell, [name]: [string], { tokenStdin, keyStdin, none, forgeTokenStdin, forgeNone }) => {
      if ([tokenStdin, keyStdin, none, forgeTokenStdin, forgeNone].filter(Boolean).length !== 1)
        throw new UsageError("use one of --token-stdin, --key-stdin, --none, --forge-token-stdin and --forge-none");
      const { readKey } = await import("../remote-repo.ts");
      const token = tokenStdin === true || forgeTokenStdin === true ? await readSecret("the token: ") : undefined;
      const key = keyStdin === true ? await readKey() : undefined;
      const kind = token !== undefined ? "token" : key !== undefined ? "key" : undefined;
      const forge = forgeTokenStdin === true || forgeNone === true;
      shell.show(await shell.client.call("repo_login", { name, token, key, forge }), () => loginText(name, kind, forge));
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
        () => `${name} trusts ${key.fingerprint}; ${hivectl(`repo fetch ${name}`)} tries it`,
      );
    },
  );
}

/** What a log-in with a token, a key or nothing has changed. */
function loginText(name: string, kind: "token" | "key" | undefined, isForge: boolean): string {
  if (isForge)
    return kind === undefined
      ? `${name} has no token of its own for pull requests any more: that of the pushes is used`
      : `${name} has the token for pull requests; open ones are looked at now`;
  return kind === undefined
    ? `${name} has no credential any more`
    : `${name} has the ${kind}; ${hivectl(`repo fetch ${name}`)} tries it`;
}
