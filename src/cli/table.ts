import { fit, oneLine, pad, width, type Colour, type Paint } from "./print.ts";

export interface Column<Row> {
  title: string;
  value(row: Row): string;
  colour?(row: Row): Colour | undefined;
  /** Takes the remaining width of the line. At most one column has it. */
  isWide?: boolean;
  /** May be dropped when the line is too short. The highest number is dropped first. */
  spare?: number;
}

const GAP = 2;
/** Columns of free text below which spare columns are dropped. */
const EASY_WIDE = 20;
/** Minimum columns of free text that is still readable. */
const MIN_WIDE = 12;
/** Minimum columns of any cell. */
const MIN_CELL = 4;

interface Laid<Row> {
  column: Column<Row>;
  cells: string[];
  width: number;
}

/**
 * A table that fits the terminal. Cells are cut with …, never wrapped. Empty columns are omitted, and so are spare
 * columns without room. An infinite width cuts nothing.
 */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], room: number, paint: Paint): string {
  const laid = columns.map((column) => layOut(column, rows)).filter((one) => one.cells.some((cell) => cell !== ""));
  const fitted = fitInto(laid, room);
  const line = (cell: (one: Laid<Row>) => string, colour: (one: Laid<Row>) => Colour | undefined): string => {
    const parts = fitted.map((one, at) => {
      const cut = fit(cell(one), one.width);
      const padded = at === fitted.length - 1 ? cut : pad(cut, one.width);
      const wanted = colour(one);
      return wanted === undefined ? padded : paint(wanted, padded);
    });
    return parts.join(" ".repeat(GAP)).trimEnd();
  };
  const head = line(
    ({ column }) => column.title,
    () => "dim",
  );
  const body = rows.map((row, at) =>
    line(
      ({ cells }) => cells[at] ?? "",
      ({ column }) => column.colour?.(row),
    ),
  );
  return [head, ...body].join("\n");
}

function layOut<Row>(column: Column<Row>, rows: readonly Row[]): Laid<Row> {
  const cells = rows.map((row) => oneLine(column.value(row)));
  return { column, cells, width: cells.reduce((most, cell) => Math.max(most, width(cell)), width(column.title)) };
}

const total = (laid: readonly { width: number }[]): number => laid.reduce((sum, one) => sum + one.width + GAP, -GAP);

/** Shortens free text, then drops spare columns, then shortens free text again, then cuts the widest remaining column. */
function fitInto<Row>(laid: Laid<Row>[], room: number): Laid<Row>[] {
  let kept = laid.map((one) => ({ ...one }));
  const least = (): number =>
    total(kept.map((one) => (one.column.isWide === true ? { width: Math.min(one.width, EASY_WIDE) } : one)));
  while (least() > room) {
    const spare = kept.reduce((most, one) => Math.max(most, one.column.spare ?? 0), 0);
    if (spare === 0) break;
    kept = kept.filter((one) => one.column.spare !== spare);
  }
  const wide = kept.find((one) => one.column.isWide);
  if (wide && total(kept) > room) wide.width = Math.max(Math.min(wide.width, MIN_WIDE), wide.width - (total(kept) - room));
  while (total(kept) > room) {
    const widest = kept.reduce((most, one) => (one.width > most.width ? one : most));
    if (widest.width <= MIN_CELL) break;
    widest.width--;
  }
  return kept;
}
