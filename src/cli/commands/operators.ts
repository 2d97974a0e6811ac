import { Option, type Command } from "commander";
import { hivectlAnywhere } from "../../lib/hivectl.ts";
import type { OperatorView } from "../../wire/operator-operations.ts";
import { ROLES, type Role } from "../../wire/roles.ts";
import { asksFirst, confirm } from "../deciding.ts";
import { UsageError } from "../exit.ts";
import { clean } from "../print.ts";
import { act, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { group } from "../verbs.ts";

const role = (): Option =>
  new Option("-r, --role <role>", "what it may do: read (viewer), decide and act (operator), or also change the hive (admin)")
    .choices(ROLES)
    .makeOptionMandatory();

function operatorTable(operators: readonly OperatorView[], you: string, { width, paint }: Shell): string {
  return table(
    operators,
    [
      { title: "NAME", value: (one) => `${one.name}${one.name === you ? " (you)" : ""}` },
      { title: "ROLE", value: (one) => one.role },
      {
        title: "PASSKEY",
        value: (one) => (one.passkey_required ? `required (${one.passkeys})` : one.passkeys > 0 ? `${one.passkeys}` : ""),
      },
      { title: "USER", value: (one) => one.user ?? "", spare: 1 },
      {
        title: "SOCKET",
        value: (one) => (one.problem === undefined ? one.socket : `not served: ${one.problem}`),
        colour: (one) => (one.problem === undefined ? undefined : "red"),
        isWide: true,
      },
    ],
    width,
    paint,
  );
}

/** Verbs for the people who may use the hive. */
export function operatorCommands(program: Command): void {
  const operators = group(program, "operator", "who may use the hive: list, add and remove operators, and change their roles");

  act(operators.command("list").description("the operators with their roles and sockets"), async (shell) =>
    shell.show(await shell.client.call("operators", {}), ({ operators: all, you }) => operatorTable(all, you.name, shell)),
  );

  act<{ role: Role; user?: string }>(
    operators
      .command("add")
      .argument("<name>", "its name in the audit trail")
      .addOption(role())
      .option("-u, --user <user>", "the Unix user who gets the socket; by default the one of the same name")
      .description("add an operator, with a socket that only its Unix user can open"),
    async (shell, [name]: [string], { role: given, user }) =>
      shell.show(await shell.client.call("operator_add", { name, role: given, user }), ({ operator }) =>
        [
          `${operator.name} is added as ${operator.role}. The user ${clean(operator.user ?? "")} logs in with`,
          `  ${hivectlAnywhere()} --socket ${clean(operator.socket)} login`,
        ].join("\n"),
      ),
  );

  act<{ role?: Role; passkey?: "off" }>(
    operators
      .command("set")
      .argument("<operator>", "its name")
      .addOption(role().makeOptionMandatory(false))
      .addOption(
        new Option(
          "--passkey <off>",
          "make its approvals need no passkey, for one who has lost it; only the admin of host.sock",
        ).choices(["off"]),
      )
      .description("change an operator's role, or let its approvals need no passkey; it counts at once, for open pages too"),
    async (shell, [name]: [string], { role: given, passkey }) => {
      const { client } = shell;
      const off = passkey === undefined ? undefined : await client.call("operator_passkey_off", { name });
      const changed = given === undefined ? off : await client.call("operator_set", { name, role: given });
      if (!changed) throw new UsageError("say what to change: --role <role>, or --passkey off");
      shell.show(changed, ({ operator }) =>
        [
          ...(given === undefined ? [] : [`${operator.name} is ${operator.role} now`]),
          ...(off ? [`the approvals of ${operator.name} need no passkey now; its passkeys are kept`] : []),
        ].join("\n"),
      );
    },
  );

  act<{ yes?: boolean }>(
    asksFirst(
      operators
        .command("remove")
        .argument("<operator>", "its name")
        .description("remove an operator; its socket, sessions, launch links and git tokens end at once"),
    ),
    async (shell, [name]: [string], options) => {
      await confirm(shell, options, `remove the operator ${name}, and end its sessions`);
      await shell.client.call("operator_remove", { name });
      shell.show({}, () => `${name} is removed, and its sessions are ended`);
    },
  );
}
