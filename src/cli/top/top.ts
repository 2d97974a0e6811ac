import { hivectl } from "../../lib/hivectl.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { connectLines, type LineClient } from "../../rpc/client.ts";
import { failureOf, UsageError } from "../exit.ts";
import { wholeState } from "../older.ts";
import { clean, width } from "../print.ts";
import type { Shell } from "../shell.ts";
import { tail } from "../tail.ts";
import { carryOut, underWay, type Outcome } from "./effects.ts";
import { topFrame } from "./frame.ts";
import { take, type TopModel } from "./model.ts";
import { ANSWERS, paneFrame } from "./panes.ts";
import { press, refused, seen, withDiff, type Effect, type Ui } from "./press.ts";
import { ScreenTerminal } from "./terminal.ts";

/** How often ages are updated, and the shortest interval between two draws in a burst of events. Milliseconds. */
const TICK_MS = 1000;
const DRAW_EVERY_MS = 100;
/** The interval between attempts to reach a lost daemon. */
const RETRY_MS = 1000;
/** Past messages in the first snapshot. */
const PAST_MESSAGES = 50;
/** Past events that `t` prints first. */
const TAIL_EVENTS = 50;

/** Shows the live hive and handles keys until q or Ctrl-C. Reconnects when the daemon returns. */
export async function top(shell: Shell): Promise<void> {
  if (!ScreenTerminal.isThere)
    throw new UsageError(
      `top needs a terminal: ${hivectl("status")} prints the same once, ${hivectl("watch --json")} follows it`,
    );
  const state = await wholeState(shell.client, PAST_MESSAGES);
  await new Promise<void>((resolve) => new Top(shell, { state, isLive: true }, resolve).start());
}

class Top {
  readonly #shell: Shell;
  readonly #model: TopModel;
  readonly #left: () => void;
  readonly #terminal: ScreenTerminal;
  readonly #stop = new AbortController();
  #ui: Ui = {};
  /** The tail on the screen. Any key ends it. */
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
    if (effect.do === "look") return void this.#look(effect.id);
    this.#say({ words: underWay(effect), isError: false });
    void carryOut(effect, this.#shell.socketPath).then((outcome) => {
      // What was typed is not lost.
      const again = outcome.isError && effect.do === "write" ? refused(this.#ui, effect, outcome.words) : undefined;
      if (!again) return this.#say(outcome);
      this.#ui = again;
      this.#draw();
    });
  }

  get #isAsking(): boolean {
    const kind = this.#ui.pane?.kind;
    return kind === "ask" || kind === "approve" || kind === "type";
  }

  /** Shows an outcome: at the foot, or in a pane if it does not fit there. */
  #say(outcome: Outcome): void {
    const isLong = outcome.words.includes("\n") || width(outcome.words) > this.#terminal.columns;
    // Never cover a question that is being answered.
    if (outcome.isError && isLong && !this.#isAsking)
      this.#ui = { ...this.#ui, pane: { kind: "words", title: "REFUSED", words: outcome.words, skip: 0 } };
    else this.#ui = { ...this.#ui, notice: outcome };
    this.#draw();
  }

  /** Reads the diff of a request into the question that is open. */
  async #look(id: number): Promise<void> {
    let client: LineClient | undefined;
    try {
      client = await connectLines(this.#shell.socketPath, { ordered: true });
      this.#ui = withDiff(this.#ui, await client.call("show", { id }));
      this.#draw();
    } catch (error) {
      // Without its diff a request cannot be approved.
      this.#ui = { selected: this.#ui.selected };
      this.#say({ words: clean(failureOf(error).message), isError: true });
    }
    client?.close();
  }

  /** Prints an agent's turns on the normal screen until a key is pressed. The output stays there. */
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
    // A short question goes to the foot, so that its subject stays visible.
    const asked = pane?.kind === "ask" ? `${pane.words} ${ANSWERS}` : "";
    if (asked !== "" && width(asked) <= columns)
      return this.#terminal.draw(topFrame(this.#model, { ...this.#ui, notice: { words: asked, isError: false } }, screen));
    if (!pane) return this.#terminal.draw(topFrame(this.#model, this.#ui, screen));
    const { lines, skip, below } = paneFrame(pane, this.#model.state, screen);
    this.#ui = { ...this.#ui, pane: seen(pane, skip, below) };
    this.#terminal.draw(lines);
  }
}

/** Keeps the model up to date until it is stopped. */
async function follow(shell: Shell, model: TopModel, changed: () => void, stop: AbortSignal): Promise<void> {
  let after: number | undefined = model.state.seq;
  while (!stop.aborted) {
    let client: LineClient | undefined;
    try {
      client = await connectLines(shell.socketPath, { ordered: true });
      // After a gap, fetch a new snapshot. The stream continues at its position.
      if (after === undefined) {
        model.state = await wholeState(client, PAST_MESSAGES);
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
      // The connection was lost: show it on the screen and try again.
    }
    client?.close();
    if (stop.aborted) return;
    after = undefined;
    model.isLive = false;
    changed();
    await sleep(RETRY_MS, undefined, { signal: stop }).catch(() => {}); // leaving does not wait for it
  }
}
