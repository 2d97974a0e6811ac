import type { Command } from "commander";
import { age, table } from "../print.ts";
import { withShell } from "../shell.ts";

/** Verbs about the hive as a whole. */
export function hiveCommands(program: Command): void {
  program
    .command("login")
    .description("a one-time link into the dashboard")
    .action((_, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) => shell.show(await shell.client.call("login", {}), ({ url }) => url)),
    );

  program
    .command("sessions")
    .description("browsers that are logged in")
    .action((_, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) =>
        shell.show(await shell.client.call("sessions", {}), ({ sessions }) =>
          sessions.length === 0
            ? "no browser is logged in"
            : table(
                sessions,
                [
                  { title: "ID", value: (one) => String(one.id) },
                  { title: "SEEN", value: (one) => `${age(one.last_seen_at, shell.now)} ago` },
                  { title: "SINCE", value: (one) => `${age(one.created_at, shell.now)} ago` },
                  { title: "BROWSER", value: (one) => one.user_agent, isWide: true },
                ],
                shell.width,
                shell.paint,
              ),
        ),
      ),
    );
  program
    .command("logout <id>")
    .description("log a browser out, its open pages too")
    .action((id: string, _, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) => {
        await shell.client.call("session_revoke", { id: Number(id) });
        shell.show({}, () => `session ${id} is over`);
      }),
    );

  program
    .command("urls")
    .description("where the dashboard is, and the agents' own pages")
    .action((_, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) =>
        shell.show(await shell.client.call("urls", {}), ({ urls }) =>
          [urls.home, urls.domain, ...Object.entries(urls.agents ?? {}).map(([name, url]) => `${url}  ${name}`)]
            .filter((line) => line !== undefined)
            .join("\n"),
        ),
      ),
    );
  program
    .command("pending")
    .description("the approval queue")
    .action((_, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) =>
        shell.show(await shell.client.call("pending", {}), ({ approvals }) =>
          approvals.length === 0 ? "nothing waits for approval" : JSON.stringify(approvals),
        ),
      ),
    );
  program
    .command("shutdown")
    .description("stop every cage, then the daemon")
    .action((_, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) => {
        await shell.client.call("shutdown", {});
        await shell.client.closed;
        shell.show({}, () => "the hive has stopped");
      }),
    );
}
