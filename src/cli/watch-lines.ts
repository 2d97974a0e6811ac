import type { HiveEvent } from "../wire/event.ts";
import { bodyOf, MESSAGE_STATES } from "./message-text.ts";
import { clean, oneLine, type Paint } from "./print.ts";
import { reflow } from "./wrap.ts";

/** Indentation of wrapped lines. */
const HANG = 2;

/**
 * The lines of `hivectl watch`. It remembers the last line of each agent, because figures that count up are no news.
 * Returns an empty array for events that print nothing.
 */
export class WatchLines {
  readonly #paint: Paint;
  readonly #width: number;
  readonly #said = new Map<string, string>();

  constructor(look: { paint: Paint; width: number }) {
    this.#paint = look.paint;
    this.#width = look.width;
  }

  of(event: HiveEvent): string {
    return reflow(this.#line(event), this.#width, HANG);
  }

  #line(event: HiveEvent): string {
    const paint = this.#paint;
    switch (event.kind) {
      case "message": {
        const { id, from, to, state } = event.message;
        const words = MESSAGE_STATES[state] || state;
        return `${paint("bold", clean(from))} → ${clean(to)} ${paint("dim", `#${id} ${words}:`)} ${oneLine(bodyOf(event.message))}`;
      }
      case "question": {
        const { id, agent, state, question } = event.question;
        return `${paint("mauve", "question")} #${id} ${clean(agent)} ${state}: ${oneLine(question)}`;
      }
      case "approval": {
        const { id, kind, agent, state, error, description } = event.approval;
        const what = kind === "spawn" ? "spawn" : "config change of";
        return `${paint("amber", "request")} #${id} ${what} ${clean(agent)} ${state}: ${oneLine(error ?? description ?? "")}`.replace(
          /: $/,
          "",
        );
      }
      case "agent": {
        const { name, state, asleep, destroyed, status_text: status } = event.agent;
        const words = destroyed ? "destroyed" : state === "idle" && asleep ? "asleep" : state;
        const line = `${name} ${words}${status === undefined ? "" : `: ${oneLine(status)}`}`;
        if (this.#said.get(name) === line) return "";
        this.#said.set(name, line);
        return paint("dim", line);
      }
      case "reset":
        return paint("dim", "events are missing here: more happened than was read in time");
      default:
        return "";
    }
  }
}
