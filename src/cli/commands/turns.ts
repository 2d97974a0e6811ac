import type { Command } from "commander";
import { age, clean, oneLine } from "../print.ts";
import { withShell, type Shell } from "../shell.ts";
import { turnLines } from "../turn-lines.ts";
import type { StoredTurnEvent } from "../../wire/event.ts";

function printTurn(shell: Shell, turn: StoredTurnEvent): void {
  if (shell.isJson) return void process.stdout.write(`${JSON.stringify(turn)}\n`);
  const lines = turnLines(turn, shell.paint);
  if (lines !== "") process.stdout.write(`${lines}\n`);
}

/** The newest events of an agent, then what comes. */
async function tail(shell: Shell, name: string, count: number, isFollowing: boolean): Promise<void> {
  // The position first: what happens while the page is fetched comes with the stream.
  const { state } = await shell.client.call("state", { messages: 0 });
  const { events } = await shell.client.call("turn_events", { agent: name, limit: count });
  for (const event of events) if (event.seq <= state.seq) printTurn(shell, event);
  if (!isFollowing) return;
  for await (const { event } of shell.client.stream("watch", { after: state.seq, agent: name, kinds: ["turn"] })) {
    if (event?.kind === "turn") printTurn(shell, event.turn);
    if (event?.kind === "reset") throw new Error("the stream has a gap: start again");
  }
}

async function watch(shell: Shell): Promise<void> {
  for await (const { event } of shell.client.stream("watch", {})) {
    if (!event) continue;
    if (shell.isJson) process.stdout.write(`${JSON.stringify(event)}\n`);
    else if (event.kind === "message")
      shell.say(
        `${shell.paint("bold", clean(event.message.from))} → ${clean(event.message.to)} ${shell.paint("dim", event.message.state)} ${oneLine(event.message.body ?? "")}`,
      );
    else if (event.kind === "question")
      shell.say(
        `${shell.paint("mauve", "question")} #${event.question.id} ${clean(event.question.agent)} ${event.question.state}: ${oneLine(event.question.question)}`,
      );
    else if (event.kind === "agent")
      shell.say(shell.paint("dim", `${event.agent.name} ${event.agent.state} ${age(event.agent.state_since, Date.now())}`));
  }
}

/** Verbs about turns. */
export function turnCommands(program: Command): void {
  program
    .command("tail <name>")
    .description("follow an agent's turns; with --json one event per line")
    .option("-n, --lines <count>", "events of its history to begin with", Number, 50)
    .option("--no-follow", "stop after the history")
    .action((name: string, options: { lines: number; follow: boolean }, command: Command) =>
      withShell(command.optsWithGlobals(), (shell) => tail(shell, name, options.lines, options.follow)),
    );

  program
    .command("watch")
    .description("follow everything that happens; with --json one event per line")
    .action((_, command: Command) => withShell(command.optsWithGlobals(), watch));

  program
    .command("cancel <name>")
    .description("end the running turn; its message is dropped")
    .option("--return", "put the message back and pause the agent")
    .action((name: string, options: { return?: boolean }, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) =>
        shell.show(await shell.client.call("cancel", { name, return: options.return === true }), ({ cancelled }) =>
          cancelled ? `the turn of ${name} was cancelled` : `${name} had no turn running`,
        ),
      ),
    );

  const simple = (usage: string, words: string, run: (shell: Shell, name: string, argument: string) => Promise<string>): void => {
    program
      .command(usage)
      .description(words)
      .action((name: string, ...rest: unknown[]) => {
        const command = rest.at(-1) as Command;
        const argument = typeof rest[0] === "string" ? rest[0] : "";
        return withShell(command.optsWithGlobals(), async (shell) => {
          const said = await run(shell, name, argument);
          shell.show({}, () => said);
        });
      });
  };
  simple("compact <name>", "summarise an agent's session to make room", async ({ client }, name) => {
    await client.call("compact", { name });
    return `${name} compacts its session`;
  });
  simple("model <name> <model>", "use another model, until a deploy changes it", async ({ client }, name, model) => {
    await client.call("model", { name, model });
    return `${name} uses ${model} from its next turn on`;
  });
  simple("new-session <name>", "begin a new session with the next turn", async ({ client }, name) => {
    await client.call("new_session", { name });
    return `${name} begins a new session with its next turn`;
  });
}
