import { hivectl } from "../../lib/hivectl.ts";
import type { Command } from "commander";
import { agentName, waits, wholeNumber } from "../arguments.ts";
import { olderWords } from "../older.ts";
import { clean } from "../print.ts";
import { endsWithReader } from "../reader.ts";
import { act, jsonLine, type Shell } from "../shell.ts";

async function watch(shell: Shell): Promise<void> {
  endsWithReader();
  const { WatchLines } = await import("../watch-lines.ts");
  const look = new WatchLines(shell);
  for await (const { event } of shell.client.stream("watch", {})) {
    if (!event) continue;
    const text = shell.isJson ? jsonLine(event) : look.of(event);
    if (text !== "") process.stdout.write(`${text}\n`);
  }
}

/** Verbs for turns. */
export function turnCommands(program: Command): void {
  act<{ lines: number; follow: boolean }>(
    program
      .command("tail")
      .argument("<name>", "the agent", agentName)
      .description("follow an agent's turns as its page shows them; with --json one event per line")
      .option("-n, --lines <count>", "events of its history to begin with", wholeNumber, 50)
      .option("--no-follow", "stop after the history"),
    async (shell, [name]: [string], { lines, follow }) => {
      endsWithReader();
      const { tail } = await import("../tail.ts");
      await tail(shell, name, { count: lines, isFollowing: follow });
    },
  );

  act<{ limit: number; before?: number }>(
    program
      .command("turns")
      .argument("<name>", "the agent", agentName)
      .description("the turns of an agent, newest first: from whom, how each ended, its time, tokens and cost")
      .option("-n, --limit <count>", "how many", wholeNumber, 20)
      .option("-b, --before <turn>", "older than this turn", wholeNumber),
    async (shell, [agent]: [string], { limit, before }) => {
      const { turnTable } = await import("../turn-table.ts");
      shell.show(await shell.client.call("turns", { agent, limit, before }), ({ turns, more }) => {
        if (turns.length === 0)
          return before === undefined ? `${agent} has had no turn` : `${agent} had no turn before ${before}`;
        return `${turnTable(turns, shell)}${olderWords(shell, more, turns.at(-1)?.turn)}`;
      });
    },
  );

  act(program.command("watch").description("follow everything that happens; with --json one event per line"), watch);

  act<{ return?: boolean }>(
    waits(
      program
        .command("cancel")
        .argument("<name>", "the agent", agentName)
        .description("end the running turn; its message is dropped")
        .option("--return", "put the message back and pause the agent"),
    ),
    async (shell, [name]: [string], options) => {
      shell.waitsFor(`the turn of ${name} is still cancelled; ${hivectl(`turns ${name}`)} says how it ended`);
      shell.show(await shell.client.call("cancel", { name, return: options.return === true }), ({ cancelled }) =>
        cancelled ? `the turn of ${name} was cancelled` : `${name} had no turn running`,
      );
    },
  );

  act(
    waits(
      program
        .command("compact")
        .argument("<name>", "the agent", agentName)
        .description("summarise an agent's session to make room"),
    ),
    async (shell, [name]: [string]) =>
      shell.show(await shell.client.call("compact", { name }), () => `${name} compacts its session`),
  );
  act(
    waits(
      program
        .command("model")
        .argument("<name>", "the agent", agentName)
        .argument("<model>", "opus, sonnet, haiku, or a model's full name")
        .description("use another model, until a deploy changes it"),
    ),
    async (shell, [name, model]: [string, string]) =>
      shell.show(
        await shell.client.call("model", { name, model }),
        ({ note }) => `${name} uses ${model} from its next turn on${note === undefined ? "" : `\n${clean(note)}`}`,
      ),
  );
  act(
    waits(
      program
        .command("new-session")
        .argument("<name>", "the agent", agentName)
        .description("begin a new session with the next turn"),
    ),
    async (shell, [name]: [string]) =>
      shell.show(await shell.client.call("new_session", { name }), () => `${name} begins a new session with its next turn`),
  );
}
