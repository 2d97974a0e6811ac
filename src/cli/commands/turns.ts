import type { Command } from "commander";
import type { StoredTurnEvent } from "../../wire/event.ts";
import { agentName, wholeNumber } from "../arguments.ts";
import { EXIT } from "../exit.ts";
import { clean } from "../print.ts";
import { act, jsonLine, type Shell } from "../shell.ts";

/** Whoever follows until the reader goes away (`hivectl watch | head`) has nothing more to do then. */
function endWithReader(): void {
  process.stdout.on("error", () => process.exit(EXIT.ok));
}

/** The newest events of an agent, then what comes. */
async function tail(shell: Shell, name: string, count: number, isFollowing: boolean): Promise<void> {
  endWithReader();
  const { TurnLines } = await import("../turn-lines.ts");
  const look = new TurnLines(shell);
  const print = (turn: StoredTurnEvent): void => {
    const text = shell.isJson ? jsonLine(turn) : look.of(turn);
    if (text !== "") process.stdout.write(`${text}\n`);
  };
  // The position first: what happens while the page is fetched comes with the stream.
  const { state } = await shell.client.call("state", { messages: 0 });
  const { events } = await shell.client.call("turn_events", { agent: name, limit: count });
  for (const event of events) if (event.seq <= state.seq) print(event);
  if (events.length === 0)
    shell.say(shell.paint("dim", `${name} has had no turn yet${isFollowing ? ": what comes is shown here" : ""}`));
  if (!isFollowing) return;
  for await (const { event } of shell.client.stream("watch", { after: state.seq, agent: name, kinds: ["turn"] })) {
    if (event?.kind === "turn") print(event.turn);
    if (event?.kind === "reset") throw new Error("the stream has a gap: start again");
  }
}

async function watch(shell: Shell): Promise<void> {
  endWithReader();
  const { WatchLines } = await import("../watch-lines.ts");
  const look = new WatchLines(shell);
  for await (const { event } of shell.client.stream("watch", {})) {
    if (!event) continue;
    const text = shell.isJson ? jsonLine(event) : look.of(event);
    if (text !== "") process.stdout.write(`${text}\n`);
  }
}

/** Verbs about turns. */
export function turnCommands(program: Command): void {
  act<{ lines: number; follow: boolean }>(
    program
      .command("tail")
      .argument("<name>", "the agent", agentName)
      .description("follow an agent's turns as its page shows them; with --json one event per line")
      .option("-n, --lines <count>", "events of its history to begin with", wholeNumber, 50)
      .option("--no-follow", "stop after the history"),
    async (shell, [name]: [string], { lines, follow }) => tail(shell, name, lines, follow),
  );

  act(program.command("watch").description("follow everything that happens; with --json one event per line"), watch);

  act<{ return?: boolean }>(
    program
      .command("cancel")
      .argument("<name>", "the agent", agentName)
      .description("end the running turn; its message is dropped")
      .option("--return", "put the message back and pause the agent"),
    async (shell, [name]: [string], options) =>
      shell.show(await shell.client.call("cancel", { name, return: options.return === true }), ({ cancelled }) =>
        cancelled ? `the turn of ${name} was cancelled` : `${name} had no turn running`,
      ),
  );

  act(
    program
      .command("compact")
      .argument("<name>", "the agent", agentName)
      .description("summarise an agent's session to make room"),
    async (shell, [name]: [string]) =>
      shell.show(await shell.client.call("compact", { name }), () => `${name} compacts its session`),
  );
  act(
    program
      .command("model")
      .argument("<name>", "the agent", agentName)
      .argument("<model>", "opus, sonnet, haiku, or a model's full name")
      .description("use another model, until a deploy changes it"),
    async (shell, [name, model]: [string, string]) =>
      shell.show(
        await shell.client.call("model", { name, model }),
        ({ note }) => `${name} uses ${model} from its next turn on${note === undefined ? "" : `\n${clean(note)}`}`,
      ),
  );
  act(
    program
      .command("new-session")
      .argument("<name>", "the agent", agentName)
      .description("begin a new session with the next turn"),
    async (shell, [name]: [string]) =>
      shell.show(await shell.client.call("new_session", { name }), () => `${name} begins a new session with its next turn`),
  );
}
