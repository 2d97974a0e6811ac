import type { Command } from "commander";
import { waits, wholeNumber } from "../arguments.ts";
import { UsageError } from "../exit.ts";
import { loginToModel, logoutOfModel, type ModelLoginOptions } from "../model-login.ts";
import { age } from "../print.ts";
import { act } from "../shell.ts";
import { table } from "../table.ts";

/** Verbs for the hive as a whole. */
export function hiveCommands(program: Command): void {
  act(
    program
      .command("login")
      .description("a one-time link into the dashboard; with --model, log the hive in to the model")
      .option("--model", "log in with a Claude subscription: prints an address, and takes the code that its page shows")
      .option("--again", "with --model: cancel a log-in that runs, and begin a new one")
      .option("--code <code>", "with --model: go on with this code (- reads it from standard input)")
      .option("--cancel", "with --model: cancel a log-in that runs")
      .option("--credential <name>", "with --model: keep the token as this credential, which configs name"),
    async (shell, _args, { model, ...options }: ModelLoginOptions & { model?: boolean }) => {
      if (model === true) return loginToModel(shell, options);
      if (options.again === true || options.cancel === true || options.code !== undefined || options.credential !== undefined)
        throw new UsageError("--again, --cancel, --code and --credential go with --model");
      shell.show(await shell.client.call("login", {}), ({ url }) => url);
    },
  );

  act(program.command("sessions").description("browsers that are logged in"), async (shell) =>
    shell.show(await shell.client.call("sessions", {}), ({ sessions }) =>
      sessions.length === 0
        ? "no browser is logged in"
        : table(
            sessions,
            [
              { title: "ID", value: (one) => String(one.id) },
              { title: "OPERATOR", value: (one) => one.operator },
              { title: "SEEN", value: (one) => `${age(one.last_seen_at, shell.now)} ago` },
              { title: "SINCE", value: (one) => `${age(one.created_at, shell.now)} ago`, spare: 1 },
              { title: "BROWSER", value: (one) => one.user_agent, isWide: true },
            ],
            shell.width,
            shell.paint,
          ),
    ),
  );
  act(
    program
      .command("logout")
      .argument("[session]", "its number", wholeNumber)
      .description("log a browser out, its open pages too; with --model, remove the token of the log-in to the model")
      .option("--model", "log the hive out of the model"),
    async (shell, [id]: [number | undefined], { model }: { model?: boolean }) => {
      if ((id === undefined) !== (model === true)) throw new UsageError("name a session, or use --model");
      if (id === undefined) return logoutOfModel(shell);
      shell.show(await shell.client.call("session_revoke", { id }), () => `session ${id} ended`);
    },
  );

  act(program.command("urls").description("where the dashboard is, and the agents' own pages"), async (shell) =>
    shell.show(await shell.client.call("urls", {}), ({ urls }) =>
      [urls.home, urls.domain, ...Object.entries(urls.agents ?? {}).map(([name, url]) => `${url}  ${name}`)]
        .filter((line) => line !== undefined)
        .join("\n"),
    ),
  );

  act(waits(program.command("shutdown").description("stop every cage, then the daemon")), async (shell) => {
    shell.waitsFor("the hive is still stopping");
    await shell.client.call("shutdown", {});
    await shell.client.closed;
    shell.show({}, () => "the hive has stopped");
  });
}
