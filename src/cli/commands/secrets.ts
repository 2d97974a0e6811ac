import type { Command } from "commander";
import { hivectl } from "../../lib/hivectl.ts";
import { secretWarning } from "../../wire/config-env.ts";
import { MIN_REPLACED_CHARS, type SecretUse, type SecretView } from "../../wire/secrets.ts";
import { asksFirst, confirm } from "../deciding.ts";
import { age, clean } from "../print.ts";
import { act, type Shell } from "../shell.ts";
import { readSecret } from "../secret-input.ts";
import { table } from "../table.ts";
import { group } from "../verbs.ts";

const useWords = ({ agent, door }: SecretUse): string => `${agent} (${door === undefined ? "environment" : `door ${door}`})`;

function secretTable(secrets: readonly SecretView[], { width, paint, now }: Shell): string {
  return table(
    secrets,
    [
      { title: "NAME", value: (one) => one.name },
      {
        title: "SET",
        value: (one) =>
          one.missing
            ? "missing"
            : one.systemd
              ? "by systemd"
              : one.set_at === undefined
                ? ""
                : `${age(one.set_at, now)} ${one.set_by ?? ""}`,
        colour: (one) => (one.missing ? "red" : undefined),
      },
      { title: "USED", value: (one) => (one.used_at === undefined ? "" : age(one.used_at, now)) },
      { title: "BY", value: (one) => clean(one.uses.map(useWords).join(", ")), isWide: true },
    ],
    width,
    paint,
  );
}

/** Verbs for the store of secrets. */
export function secretCommands(program: Command): void {
  const secrets = group(program, "secret", "secrets that agents use: set, list and remove them");

  act(
    secrets
      .command("set")
      .argument("<secret>", "its name: A-Z, 0-9 and _")
      .description("keep a secret, or replace its value; the value is asked for, or read from standard input"),
    async (shell, [name]: [string]) => {
      const value = await readSecret(`the value of ${name} (not shown): `);
      shell.show(await shell.client.call("secret_set", { name, value }), ({ secret }) =>
        [
          `${secret.name} is kept`,
          ...(value.length < MIN_REPLACED_CHARS
            ? [`it has less than ${MIN_REPLACED_CHARS} characters, so it is not replaced in what agents print`]
            : []),
          ...[secretWarning(secret.name) ?? []].flat(),
          ...secret.uses.flatMap(({ agent, as }) =>
            as === "door"
              ? []
              : `${agent} has it in its environment from the next start of its cage: ${hivectl(`restart ${agent}`)} starts it now`,
          ),
        ].join("\n"),
      );
    },
  );

  act(secrets.command("list").description("the secrets with where they are used, and those that are missing"), async (shell) =>
    shell.show(await shell.client.call("secrets", {}), ({ secrets: all }) =>
      all.length === 0 ? `there are no secrets; ${hivectl("secret set NAME")} keeps one` : secretTable(all, shell),
    ),
  );

  act<{ yes?: boolean; force?: boolean }>(
    asksFirst(
      secrets
        .command("remove")
        .argument("<secret>", "its name")
        .option("-f, --force", "also while it is used: what uses it then works without")
        .description("remove a secret for good"),
    ),
    async (shell, [name]: [string], options) => {
      await confirm(shell, options, `remove the secret ${name} for good`);
      const output = await shell.client.call("secret_remove", { name, force: options.force === true });
      shell.show(output, ({ stays }) =>
        stays === true ? `the hive's own ${name} is removed; the value that systemd passes stays` : `${name} is removed`,
      );
    },
  );
}
