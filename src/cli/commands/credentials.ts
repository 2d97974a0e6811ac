import { resolve } from "node:path";
import type { Command } from "commander";
import { hivectl } from "../../lib/hivectl.ts";
import type { CredentialView } from "../../wire/model-credentials.ts";
import { asksFirst, confirm } from "../deciding.ts";
import { UsageError } from "../exit.ts";
import { age, clean } from "../print.ts";
import { act, type Shell } from "../shell.ts";
import { readSecret } from "../secret-input.ts";
import { table } from "../table.ts";
import { group } from "../verbs.ts";

/** Where each credential comes from. */
const SOURCES: Readonly<Record<CredentialView["source"], string>> = {
  token: "kept by the hive",
  file: "a file",
  environment: "the daemon's environment",
  login: "the log-in",
  none: "none: the hive rehearses",
  rehearsal: "HIVE_REHEARSAL=1",
  missing: "missing",
};

function credentialTable(credentials: readonly CredentialView[], { width, paint, now }: Shell): string {
  return table(
    credentials,
    [
      { title: "NAME", value: (one) => one.name, colour: () => "bold" },
      {
        title: "FROM",
        value: (one) => clean(one.file ?? SOURCES[one.source]),
        colour: (one) => (one.problem === undefined ? undefined : "red"),
      },
      { title: "KIND", value: (one) => one.kind ?? "", spare: 1 },
      { title: "SET", value: (one) => (one.at === undefined ? "" : `${age(one.at, now)} ${clean(one.by ?? "")}`), spare: 2 },
      { title: "AGENTS", value: (one) => clean(one.agents.join(", ")), isWide: true },
    ],
    width,
    paint,
  );
}

/** Verbs for credentials of the model besides the hive's own. */
export function credentialCommands(program: Command): void {
  const credentials = group(
    program,
    "credential",
    "credentials for the model that agents' configs name: add, list and remove them",
  );

  act<{ tokenStdin?: true; file?: string }>(
    credentials
      .command("add")
      .argument("<credential>", "its name, which agent.json has as credential")
      .description("keep another credential for the model, or replace the value of one")
      .option("--token-stdin", "an API key or a long-lived token, from standard input, or typed unseen at a terminal")
      .option("--file <path>", "a file on the daemon's host that has it, which is read for each request"),
    async (shell, [name]: [string], { tokenStdin, file }) => {
      if ((tokenStdin === true) === (file !== undefined)) throw new UsageError("use one of --token-stdin and --file");
      const value =
        file === undefined
          ? { token: (await readSecret(`the key or token of ${name} (not shown): `)).trim() }
          : { file: resolve(file) };
      shell.show(await shell.client.call("credential_add", { name, ...value }), ({ credential }) =>
        [
          `${credential.name} is kept`,
          ...(credential.problem === undefined ? [] : [clean(credential.problem)]),
          credential.agents.length === 0
            ? `no agent uses it: a config with "credential": "${credential.name}" does`
            : `used by ${clean(credential.agents.join(", "))} from the next request`,
        ].join("\n"),
      );
    },
  );

  act(
    credentials.command("list").description("the credentials with the agents that use them, and those that are missing"),
    async (shell) =>
      shell.show(await shell.client.call("credentials", {}), ({ credentials: all }) =>
        [
          credentialTable(all, shell),
          ...all.flatMap(({ name, problem }) => (problem === undefined ? [] : [`${name}: ${clean(problem)}`])),
        ].join("\n"),
      ),
  );

  act<{ yes?: boolean; force?: boolean }>(
    asksFirst(
      credentials
        .command("remove")
        .argument("<credential>", "its name")
        .option("-f, --force", "also while configs name it: the model then answers these agents no more")
        .description("remove a credential for good; the provider has to revoke it"),
    ),
    async (shell, [name]: [string], options) => {
      await confirm(shell, options, `remove the credential ${name} for good`);
      await shell.client.call("credential_remove", { name, force: options.force === true });
      shell.show({}, () => `${name} is removed; ${hivectl("credential list")} shows what is left`);
    },
  );
}
