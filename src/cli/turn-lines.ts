import type { StoredTurnEvent } from "../wire/event.ts";
import { clean, dollars, duration, indented, oneLine, type Paint } from "./print.ts";

/** Lines of a tool's result that are shown. */
const RESULT_LINES = 6;
const LINE_CHARS = 300;

/** A turn event as the lines of a terminal, much as the agent's page shows it. Empty for what is no news. */
export function turnLines({ at, event }: StoredTurnEvent, paint: Paint): string {
  const time = new Date(at).toLocaleTimeString("en-GB", { hour12: false });
  switch (event.type) {
    case "turn_start": {
      const again = event.redelivered ? " · delivered again" : "";
      return `${paint("dim", `── turn ${event.turn} · from ${clean(event.from)} · ${time}${again} ──`)}\n${paint("bold", `→ ${clean(event.from)}`)} ${clean(event.body)}`;
    }
    case "turn_end": {
      const tokens = event.tokens.input + event.tokens.output + event.tokens.cache_read + event.tokens.cache_write;
      const cost = event.cost_usd === undefined ? "" : ` · ${dollars(event.cost_usd)}`;
      return paint(
        event.ok ? "dim" : "red",
        `── ended ${time} · ${duration(event.duration_ms)} · ${tokens} tok${cost} · ${event.ok ? "ok" : clean(event.reason)} ──`,
      );
    }
    case "text":
      return indented(clean(event.text));
    case "thinking":
      return paint("dim", `∴ ${clip(oneLine(event.text))}`);
    case "tool_use":
      return `${paint("cyan", `◇ ${clean(event.name).replace(/^mcp__hive__/, "")}`)} ${toolLine(event.name, event.input)}`;
    case "tool_result": {
      const lines = clean(event.text).trimEnd().split("\n");
      const shown = lines.slice(0, RESULT_LINES).map(clip).join("\n");
      const rest = lines.length > RESULT_LINES ? `\n… ${lines.length - RESULT_LINES} more lines` : "";
      return paint(event.is_error ? "red" : "dim", indented(`${shown}${rest}`, "    "));
    }
    case "note":
      return paint(event.level === "info" ? "dim" : event.level === "warn" ? "amber" : "red", `! ${clean(event.text)}`);
    case "compacted":
      return paint("mauve", "── session compacted ──");
    case "session": {
      const broken = Object.entries(event.mcp).filter(([, status]) => status !== "connected");
      return broken.length === 0
        ? ""
        : paint("amber", `! MCP servers that did not connect: ${clean(broken.map(([name]) => name).join(", "))}`);
    }
  }
}

function toolLine(name: string, input: unknown): string {
  const given = (typeof input === "object" && input !== null ? input : {}) as Record<string, unknown>;
  const text = (key: string): string => {
    const value = given[key];
    return typeof value === "string" ? value : "";
  };
  if (name === "Bash") return `$ ${clip(oneLine(text("command")))}`;
  if (name === "mcp__hive__send") return `→ ${oneLine(text("to"))}: ${clip(oneLine(text("body")))}`;
  const path = text("file_path") || text("pattern");
  if (path) return oneLine(path);
  const all = JSON.stringify(given);
  return all === "{}" ? "" : clip(oneLine(all));
}

function clip(text: string): string {
  return text.length > LINE_CHARS ? `${text.slice(0, LINE_CHARS - 1)}…` : text;
}
