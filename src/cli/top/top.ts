import { setTimeout as sleep } from "node:timers/promises";
import { connectLines, type LineClient } from "../../rpc/client.ts";
import { UsageError } from "../exit.ts";
import type { Shell } from "../shell.ts";
import { take, topFrame, type TopModel } from "./frame.ts";

/** Ages tick this often, and a burst of events is drawn at most so often. Milliseconds. */
const TICK_MS = 1000;
const DRAW_EVERY_MS = 100;
/** Between attempts to reach a daemon that went away. */
const RETRY_MS = 1000;
/** Messages of the past to begin with. */
const PAST_MESSAGES = 50;

/** What a terminal has that does not know its size. */
const [ROWS, COLUMNS] = [24, 80];

const ENTER = "\u001B[?1049h\u001B[?25l";
const LEAVE = "\u001B[?25h\u001B[?1049l";
/** The terminal shows what comes between at once, where it knows how: no flicker. */
const [BEGIN, END] = ["\u001B[?2026h\u001B[H", "\u001B[J\u001B[?2026l"];

/** Whoever ends it from elsewhere, or closes its window: the terminal is left as it was then too. */
const ENDINGS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Shows the hive as it lives until q or Ctrl-C. Goes on by itself when the daemon comes back. */
export async function top(shell: Shell): Promise<void> {
  const { stdin, stdout } = process;
  if (!stdout.isTTY || !stdin.isTTY)
    throw new UsageError("top needs a terminal: `hivectl status` prints the same once, `hivectl watch --json` follows it");
  const { state } = await shell.client.call("state", { messages: PAST_MESSAGES });
  const model: TopModel = { state, isLive: true };
  const stop = new AbortController();
  let skip = 0;
  let timer: NodeJS.Timeout | undefined;
  const draw = (): void => {
    timer = undefined;
    // What still arrives after the end is not drawn over what stood on the terminal before.
    if (stop.signal.aborted) return;
    const screen = { rows: stdout.rows || ROWS, columns: stdout.columns || COLUMNS, now: Date.now(), paint: shell.paint, skip };
    const frame = topFrame(model, screen);
    skip = frame.skip;
    stdout.write(BEGIN + frame.lines.map((line) => `${line}\u001B[K`).join("\r\n") + END);
  };
  const drawSoon = (): void => void (timer ??= setTimeout(draw, DRAW_EVERY_MS));

  await new Promise<void>((resolve) => {
    const tick = setInterval(draw, TICK_MS);
    const leave = (): void => {
      stop.abort();
      clearInterval(tick);
      clearTimeout(timer);
      stdin.setRawMode(false).pause();
      stdin.off("data", onKey);
      for (const signal of ENDINGS) process.off(signal, leave);
      stdout.off("resize", draw);
      stdout.write(LEAVE);
      resolve();
    };
    const onKey = (keys: Buffer): void => {
      for (const key of keys.toString()) {
        if (key === "q" || key === "\u0003" || key === "\u0004") return leave();
        if (key === "j" || key === "B") skip++;
        if (key === "k" || key === "A") skip = Math.max(0, skip - 1);
      }
      draw();
    };
    for (const signal of ENDINGS) process.on(signal, leave);
    stdin.setRawMode(true).resume();
    stdin.on("data", onKey);
    stdout.on("resize", draw);
    stdout.write(ENTER);
    draw();
    void follow(shell, model, drawSoon, stop.signal);
  });
}

/** Keeps the model true until it is told to stop. */
async function follow(shell: Shell, model: TopModel, changed: () => void, stop: AbortSignal): Promise<void> {
  let after: number | undefined = model.state.seq;
  while (!stop.aborted) {
    let client: LineClient | undefined;
    try {
      client = await connectLines(shell.socketPath, { ordered: true });
      // After a gap a new snapshot; its position is where the stream goes on.
      if (after === undefined) {
        model.state = (await client.call("state", { messages: PAST_MESSAGES })).state;
        after = model.state.seq;
      }
      model.isLive = true;
      changed();
      const kinds = ["message", "question", "approval", "agent", "hive"] as const;
      for await (const { event } of client.stream("watch", { after, kinds: [...kinds] }, { signal: stop })) {
        if (event?.kind === "reset") break;
        if (event) take(model.state, event);
        changed();
      }
    } catch {
      // It went away: said on the screen, and tried again.
    }
    client?.close();
    if (stop.aborted) return;
    after = undefined;
    model.isLive = false;
    changed();
    await sleep(RETRY_MS, undefined, { signal: stop }).catch(() => {}); // who leaves does not wait for it
  }
}
