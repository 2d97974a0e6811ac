/** How things look in a terminal. Pure: text in, text out. */

/** CSI and OSC sequences whole, then every other control, bidirectional and invisible character but newline and tab. */
const SEQUENCES = /\u001B\[[0-?]*[ -/]*[@-~]|\u001B[\]PX^_][\s\S]*?(?:\u0007|\u001B\\|$)|\u001B[@-Z\\-_]/g;
const CONTROLS = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFEFF]/g;

/** Text from an agent, without anything that could steer the terminal or hide. */
export function clean(text: string): string {
  return text.replace(SEQUENCES, "").replace(CONTROLS, "");
}

/** The same on one line. */
export function oneLine(text: string): string {
  return clean(text).replaceAll(/\s+/g, " ").trim();
}

export type Colour = "amber" | "mauve" | "green" | "red" | "cyan" | "dim" | "bold";
const CODES: Record<Colour, string> = { amber: "33", mauve: "35", green: "32", red: "31", cyan: "36", dim: "2", bold: "1" };

/** Paints a text, or leaves it as it is where colours are not wanted. */
export type Paint = (colour: Colour, text: string) => string;
export const painter =
  (isOn: boolean): Paint =>
  (colour, text) =>
    isOn && text !== "" ? `\u001B[${CODES[colour]}m${text}\u001B[0m` : text;

export interface Column<Row> {
  title: string;
  value(row: Row): string;
  colour?(row: Row): Colour | undefined;
  /** Takes what is left of the line and is cut to it; at most one column. */
  isWide?: boolean;
}

/** A table that fits the width. Columns in which nothing stands are left out. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], width: number, paint: Paint): string {
  const cells = rows.map((row) => columns.map((column) => oneLine(column.value(row))));
  const used = columns.map((column, at) => ({ column, at })).filter(({ at }) => cells.some((line) => line[at] !== ""));
  const widths = used.map(({ column, at }) => Math.max(column.title.length, ...cells.map((line) => length(line[at] ?? ""))));
  const wide = used.findIndex(({ column }) => column.isWide === true);
  if (wide >= 0) {
    const others = widths.reduce((sum, one, at) => sum + (at === wide ? 0 : one + 2), 0);
    widths[wide] = Math.max(10, Math.min(widths[wide] ?? 0, width - others));
  }
  const line = (values: readonly string[], colours: readonly (Colour | undefined)[]): string =>
    values
      .map((value, at) => {
        const cut = fit(value, widths[at] ?? 0);
        const padded = at === values.length - 1 ? cut : cut + " ".repeat(Math.max(0, (widths[at] ?? 0) - length(cut)));
        const colour = colours[at];
        return colour ? paint(colour, padded) : padded;
      })
      .join("  ")
      .trimEnd();
  const head = line(
    used.map(({ column }) => column.title),
    used.map(() => "dim" as const),
  );
  const body = rows.map((row, at) =>
    line(
      used.map((one) => cells[at]?.[one.at] ?? ""),
      used.map(({ column }) => column.colour?.(row)),
    ),
  );
  return [head, ...body].join("\n");
}

/** Characters as a terminal counts them, near enough: code points. */
const points = (text: string): string[] => Array.from(text);
const length = (text: string): number => points(text).length;

function fit(text: string, width: number): string {
  return length(text) <= width
    ? text
    : `${points(text)
        .slice(0, Math.max(0, width - 1))
        .join("")}…`;
}

/** `14s`, `3m`, `2h`, `4d`. */
export function age(since: string | undefined, now: number): string {
  if (since === undefined) return "";
  const seconds = Math.max(0, Math.floor((now - Date.parse(since)) / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** A duration: `412ms`, `14s`, `1m 12s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
}

export function dollars(usd: number): string {
  return usd > 0 && usd < 0.005 ? "<$0.01" : `$${usd.toFixed(2)}`;
}

/** Indents every line. */
export function indented(text: string, by = "  "): string {
  return text
    .split("\n")
    .map((line) => `${by}${line}`)
    .join("\n");
}
