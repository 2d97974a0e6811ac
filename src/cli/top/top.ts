import { setTimeout as sleep } from "node:timers/promises";
import { connectLines, type LineClient } from "../../rpc/client.ts";
import { failureOf, UsageError } from "../exit.ts";
import { clean, width } from "../print.ts";
import type { Shell } from "../shell.ts";
import { tail } from "../tail.ts";
import { carryOut, underWay, type Outcome } from "./effects.ts";
import { topFrame } from "./frame.ts";
import { take, type TopModel } from "./model.ts";
import { ANSWERS, paneFrame } from "./panes.ts";
import { press, type Effect, type Ui } from "./press.ts";
import { ScreenTerminal } from "./terminal.ts";

/** Ages tick this often, and a burst of events is drawn at most so often. Milliseconds. */
const TICK_MS = 1000;
const DRAW_EVERY_MS = 100;
/** Between attempts to reach a daemon that went away. */
const RETRY_MS = 1000;
/** Messages of the past to begin with. */
const PAST_MESSAGES = 50;
/** Events of an agent's past that `t` begins with. */
const TAIL_EVENTS = 50;

/** Shows the hive as it lives, and does what the keys say, until q or Ctrl-C. Goes on by itself when the daemon comes back. */
export async function top(shell: Shell): Promise<void> {
  if (!ScreenTerminal.isThere)
    throw new UsageError("top needs a terminal: `hivectl status` prints the same once, `hivectl watch --json` follows it");
  const { state } = await shell.client.call("state", { messages: PAST_MESSAGES });
  await new Promise<void>((resolve) => new Top(shell, { state, isLive: true }, resolve).start());
}

class Top {
  readonly #shell: Shell;
  readonly #model: TopModel;
  readonly #left: () => void;
  readonly #terminal: ScreenTerminal;
  readonly #stop = new AbortController();
  #ui: Ui = {};
  /** The tail that is looked at: keys end it. */
  #tail: AbortController | undefined;
  #tick: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(shell: Shell, model: TopModel, left: () => void) {
    this.#shell = shell;
    this.#model = model;
    this.#left = left;
    this.#terminal = new ScreenTerminal({
      key: (key) => this.#key(key),
      resized: () => this.#draw(),
      ended: () => this.#leave(),
    });
  }

  start(): void {
    this.#tick = setInterval(() => this.#draw(), TICK_MS);
    this.#terminal.enter();
    this.#draw();
    void follow(this.#shell, this.#model, () => this.#drawSoon(), this.#stop.signal);
  }

  #leave(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#tail?.abort();
    clearInterval(this.#tick);
    clearTimeout(this.#timer);
    this.#terminal.leave();
    this.#left();
  }

  #key(key: string): void {
    if (this.#stop.signal.aborted) return;
    if (this.#tail) {
      if (["q", "escape", "quit"].includes(key)) this.#tail.abort();
      return;
    }
    const { ui, effect } = press(this.#ui, key, this.#model.state);
    this.#ui = ui;
    if (effect) this.#carryOut(effect);
    this.#draw();
  }

  #carryOut(effect: Effect): void {
    if (effect.do === "quit") return this.#leave();
    if (effect.do === "tail") return void this.#showTail(effect.agent);
    this.#say({ words: underWay(effect), isError: false });
    void carryOut(effect, this.#shell.socketPath).then((outcome) => this.#say(outcome));
  }

  /** Says what became of something: at the foot, or in a pane where it does not fit there. */
  #say(outcome: Outcome): void {
    const isLong = outcome.words.includes("\n") || width(outcome.words) > this.#terminal.columns;
    // Nothing is put over a question that is being answered.
    if (outcome.isError && isLong && this.#ui.pane?.kind !== "ask")
      this.#ui = { ...this.#ui, pane: { kind: "words", title: "REFUSED", words: outcome.words, skip: 0 } };
    else this.#ui = { ...this.#ui, notice: outcome };
    this.#draw();
  }

  /** An agent's turns on the screen from before, until a key; what was printed stays there. */
  async #showTail(name: string): Promise<void> {
    this.#tail = new AbortController();
    this.#terminal.aside();
    const { paint } = this.#shell;
    process.stdout.write(`${paint("dim", `tail of ${name}: q goes back`)}\n`);
    let client: LineClient | undefined;
    try {
      client = await connectLines(this.#shell.socketPath, { ordered: true });
      const shell = { ...this.#shell, client, width: this.#terminal.columns };
      await tail(shell, name, { count: TAIL_EVENTS, isFollowing: true, signal: this.#tail.signal });
    } catch (error) {
      this.#ui = { ...this.#ui, notice: { words: clean(failureOf(error).message), isError: true } };
    }
    client?.close();
    this.#tail = undefined;
    if (this.#stop.signal.aborted) return;
    this.#terminal.back();
    this.#draw();
  }

  #drawSoon(): void {
    this.#timer ??= setTimeout(() => this.#draw(), DRAW_EVERY_MS);
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { rows, columns } = this.#terminal;
    const screen = { rows, columns, now: Date.now(), paint: this.#shell.paint };
    const { pane } = this.#ui;
    // A short question stands at the foot: what it is about stays in sight.
    const asked = pane?.kind === "ask" && !pane.request ? `${pane.words} ${ANSWERS}` : "";
    if (asked !== "" && width(asked) <= columns)
      return this.#terminal.draw(topFrame(this.#model, { ...this.#ui, notice: { words: asked, isError: false } }, screen));
    if (!pane) return this.#terminal.draw(topFrame(this.#model, this.#ui, screen));
    const { lines, skip } = paneFrame(pane, this.#model.state, screen);
    this.#ui = { ...this.#ui, pane: { ...pane, skip } };
    this.#terminal.draw(lines);
  }
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
