import type { StoredTurnEvent } from "../wire/event.ts";
import { jsonLine, type Shell } from "./shell.ts";
import { TurnLines } from "./turn-lines.ts";

/** What a tail needs of a shell. It uses up the shell's client: a stream needs a connection of its own. */
type Output = Pick<Shell, "client" | "isJson" | "paint" | "width" | "say">;

export interface TailOptions {
  /** How many past events to print first. */
  count: number;
  isFollowing: boolean;
  /** Ends the tail. */
  signal?: AbortSignal;
}

/** Prints the newest events of an agent, then new ones until the agent is destroyed. */
export async function tail(shell: Output, name: string, { count, isFollowing, signal }: TailOptions): Promise<void> {
  const look = new TurnLines(shell);
  const print = (turn: StoredTurnEvent): void => {
    const text = shell.isJson ? jsonLine(turn) : look.of(turn);
    if (text !== "") process.stdout.write(`${text}\n`);
  };
  // Read the position first. Events that happen while the page is fetched then come with the stream.
  const { state } = await shell.client.call("state", { messages: 0 });
  const { events } = await shell.client.call("turn_events", { agent: name, limit: count });
  for (const event of events) if (event.seq <= state.seq) print(event);
  if (events.length === 0)
    shell.say(shell.paint("dim", `${name} has had no turn yet${isFollowing ? ": what comes is shown here" : ""}`));
  if (!isFollowing) return;
  const filter = { after: state.seq, agent: name, kinds: ["turn" as const, "agent" as const] };
  for await (const { event } of shell.client.stream("watch", filter, signal ? { signal } : {})) {
    if (event?.kind === "turn") print(event.turn);
    if (event?.kind === "reset") shell.say(shell.paint("dim", "events are missing here: more happened than was read in time"));
    if (event?.kind === "agent" && event.agent.destroyed) return shell.say(shell.paint("dim", `${name} is destroyed`));
  }
}
