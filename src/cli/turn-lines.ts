import { turnCostWords } from "../wire/cost.ts";
import type { StoredTurnEvent } from "../wire/event.ts";
import type { TurnResult } from "../wire/turn-ends.ts";
import { systemWords } from "../wire/system-event.ts";
import { editLines } from "./diff-lines.ts";
import { clean, count, duration, fit, indented, oneLine, width, type Colour, type Paint, terminalText } from "./print.ts";
import { reflow } from "./wrap.ts";

/** Lines of a tool's result, and of a change, before the rest is folded. */
const RESULT_LINES = 4;
const CHANGE_LINES = 14;
/** The length of a rule if the output is not a terminal. */
const RULE_WIDTH = 80;

/** Red only for a failed message. */
export const RESULT_COLOURS: Record<TurnResult, Colour> = {
  ok: "dim",
  failed: "red",
  parked: "amber",
  cancelled: "dim",
  interrupted: "dim",
};

export interface Look {
  paint: Paint;
  /** Columns of the terminal, or infinite. */
  width: number;
}

/**
 * The lines of an agent's turns, much as its page shows them. It remembers the calls without a result, so that it can
 * print a result with its tool. Returns an empty array for events that print nothing.
 */
export class TurnLines {
  readonly #paint: Paint;
  readonly #width: number;
  readonly #calls = new Map<string, string>();

  constructor(look: Look) {
    this.#paint = look.paint;
    this.#width = look.width;
  }

  of({ at, event }: StoredTurnEvent): string {
    const paint = this.#paint;
    const time = new Date(at).toLocaleTimeString("en-GB", { hour12: false });
    switch (event.type) {
      case "turn_start": {
        const from = clean(event.from);
        const rule = [
          `turn ${event.turn}`,
          time,
          `from ${from}`,
          event.redelivered ? "delivered again" : "",
          event.unread > 0 ? `${event.unread} more wait` : "",
        ];
        return `${paint("dim", this.#rule(rule))}\n${this.#hanging(`${paint("amber", "→")} ${paint("bold", from)} ${clean(systemWords(event.from, event.body) ?? event.body).trimEnd()}`)}`;
      }
      case "turn_end": {
        this.#calls.clear();
        const tokens = event.tokens.input + event.tokens.output + event.tokens.cache_read + event.tokens.cache_write;
        const rule = [
          `ended ${time}`,
          duration(event.duration_ms),
          `${count(tokens)} tok`,
          turnCostWords(tokens, event.cost_usd),
          event.result === "ok" ? "ok" : oneLine(event.reason),
        ];
        return paint(RESULT_COLOURS[event.result], this.#rule(rule));
      }
      case "text":
        return indented(reflow(clean(event.text).trimEnd(), this.#width - 2));
      case "thinking": {
        const took = event.ms === undefined ? "" : `, ${duration(event.ms)}`;
        return paint("dim", this.#cut(`∴ thinking${took}: ${oneLine(event.text)}`));
      }
      case "tool_use":
        this.#calls.set(event.id, event.name);
        return this.#call(event.name, event.input);
      case "tool_result":
        return this.#result(event);
      case "note": {
        const mark = event.level === "info" ? "·" : "!";
        const colour = { info: "dim", warn: "amber", error: "red" } as const;
        return paint(colour[event.level], this.#hanging(`${mark} ${clean(event.text).trimEnd()}`));
      }
      case "compacted": {
        const before = event.before_tokens === undefined ? "" : `${count(event.before_tokens)} tok before`;
        return paint("mauve", this.#rule(["session compacted", before]));
      }
      case "session": {
        const broken = Object.entries(event.mcp).filter(([, status]) => status !== "connected");
        if (broken.length === 0) return "";
        const words = broken.map(([name, status]) => `${name} (${status})`).join(", ");
        return paint("amber", `! MCP servers that did not connect: ${oneLine(words)}`);
      }
    }
  }

  #rule(parts: readonly string[]): string {
    const text = `── ${parts.filter((part) => part !== "").join(" · ")} `;
    const columns = Math.min(this.#width, RULE_WIDTH);
    return fit(width(text) < columns ? text + "─".repeat(columns - width(text)) : `${text}──`, this.#width);
  }

  /** Indents the lines after the first, and wraps all to the terminal. */
  #hanging(text: string): string {
    const [first = "", ...rest] = text.split("\n");
    return reflow([first, ...rest.map((line) => `  ${line}`)].join("\n"), this.#width, 2);
  }

  #cut(line: string): string {
    return fit(line, this.#width);
  }

  #call(name: string, given: unknown): string {
    const input = (typeof given === "object" && given !== null ? given : {}) as Record<string, unknown>;
    const tool = shortName(name);
    const mark = ["send", "recv", "ask_operator"].includes(tool) && name.startsWith("mcp__hive__") ? "✉" : "◇";
    const line = this.#cut(`${mark} ${tool} ${oneLine(callWords(name, input))}`.trimEnd());
    // Only the tool's name is painted.
    const head = `${mark} ${tool}`;
    const first = line.startsWith(head) ? this.#paint("cyan", head) + line.slice(head.length) : line;
    return [first, ...this.#change(name, input)].join("\n");
  }

  /** A write or an edit, as a diff. */
  #change(name: string, input: Record<string, unknown>): string[] {
    const edits =
      name === "Edit"
        ? [input]
        : name === "MultiEdit" && Array.isArray(input["edits"])
          ? (input["edits"] as Record<string, unknown>[])
          : name === "Write"
            ? [{ old_string: "", new_string: input["content"] }]
            : [];
    const lines = edits.flatMap((edit) => editLines(str(edit["old_string"]), str(edit["new_string"]), this.#paint));
    return this.#folded(lines, CHANGE_LINES).map((line) => `    ${line}`);
  }

  #result(event: Extract<StoredTurnEvent["event"], { type: "tool_result" }>): string {
    const name = this.#calls.get(event.id) ?? "";
    const colour = event.is_error ? "red" : "dim";
    const text = terminalText(event.text).trimEnd();
    const isQuiet = name.startsWith("mcp__hive__") || ["Write", "Edit", "MultiEdit", "TodoWrite"].includes(name);
    if (isQuiet && !event.is_error && !text.includes("\n"))
      return this.#paint("green", this.#cut(`    ${oneLine(text) || "done"}`));
    if (text === "") return this.#paint("dim", "    (no output)");
    const lines = text.split("\n").map((line) => this.#paint(colour, fit(line, this.#width - 4)));
    const cut = event.cut_from === undefined ? [] : [this.#paint("dim", `(cut from ${count(event.cut_from)} bytes)`)];
    return [...this.#folded(lines, RESULT_LINES), ...cut].map((line) => `    ${line}`).join("\n");
  }

  #folded(lines: string[], most: number): string[] {
    if (lines.length <= most + 1) return lines;
    return [...lines.slice(0, most), this.#paint("dim", `… ${lines.length - most} more lines`)];
  }
}

const str = (value: unknown): string => (typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value));

/** `mcp__hive__send` becomes `send`; a tool of another server becomes `files · read`. */
function shortName(name: string): string {
  const hive = /^mcp__hive__(.+)$/.exec(name)?.[1];
  return oneLine(hive ?? (name.startsWith("mcp__") ? name.slice(5).replace("__", " · ") : name));
}

/** A call on one line, in the form that suits its tool. */
function callWords(name: string, input: Record<string, unknown>): string {
  switch (name) {
    case "Bash":
      return `$ ${str(input["command"])}`;
    case "Read":
    case "Write":
    case "Edit":
    case "MultiEdit":
    case "NotebookEdit":
      return str(input["file_path"] ?? input["notebook_path"]);
    case "Glob":
    case "Grep":
      return [str(input["pattern"]), str(input["path"])].filter((part) => part !== "").join(" in ");
    case "mcp__hive__send":
      return `→ ${str(input["to"])}: ${str(input["body"])}`;
    case "mcp__hive__ask_operator": {
      const options = Array.isArray(input["options"]) ? ` [${input["options"].map(str).join(" | ")}]` : "";
      return `${str(input["question"])}${options}`;
    }
    case "mcp__hive__set_status":
      return `“${str(input["text"])}”`;
    case "mcp__hive__recv":
      return input["wait"] === undefined ? "" : `waits up to ${str(input["wait"])} s`;
    default:
      if (Object.keys(input).length === 0) return "";
      // The arguments of the hive's own tools are readable as they are: a name, a number, some words.
      return name.startsWith("mcp__hive__") ? Object.values(input).map(str).join(" · ") : JSON.stringify(input);
  }
}
