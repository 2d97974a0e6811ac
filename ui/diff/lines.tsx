import { Fragment, memo, type KeyboardEvent, type MouseEvent, type ReactNode } from "react";
import { splitLines, type PatchLine } from "../lib/patch.ts";
import { LineText } from "./line.tsx";
import { lineAt, placeKey, placeOf, textOf, type Place } from "./place.ts";

const SIGNS = { a: "+", d: "−", c: " ", h: " ", n: " " } as const;
const NAMES = { a: "added", d: "removed", c: "", h: "", n: "" } as const;

export type DiffMode = "unified" | "split";

/** What is written about the lines of a file. Keep it stable: new notes draw every line again. */
export interface LineNotes {
  /** Whether the reader may comment on the line. */
  can: (place: Place) => boolean;
  /** The reader has chosen a line, whose text is `quote`. */
  begin: (place: Place, quote: string) => void;
  /** What follows a line. */
  under: (place: Place) => ReactNode;
  /** What concerns lines other than the drawn ones. It stands above them. */
  above: (drawn: ReadonlySet<string>) => ReactNode;
}

interface LinesProps {
  lines: readonly PatchLine[];
  mode: DiffMode;
  notes?: LineNotes | undefined;
}

/** The lines of a patch. With notes, a click on a line, or Enter on the focused one, begins a comment. */
export const Lines = memo(function Lines({ lines, mode, notes }: LinesProps): ReactNode {
  const begin = (target: EventTarget): void => {
    const key = target instanceof Element ? target.closest("[data-place]")?.getAttribute("data-place") : undefined;
    const line = key === undefined || key === null ? undefined : lineAt(lines, key);
    const place = line && placeOf(line);
    if (line && place) notes?.begin(place, textOf(line));
  };
  const onClick = (event: MouseEvent): void => {
    // The end of a selection is not a choice of the line.
    if (getSelection()?.isCollapsed !== false) begin(event.target);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || !(event.target instanceof Element) || !event.target.matches("[data-place]")) return;
    event.preventDefault();
    begin(event.target);
  };
  return (
    <div className={`lines ${mode === "split" ? "split" : ""}`} {...(notes ? { onClick, onKeyDown } : {})}>
      {mode === "split" ? <Split lines={lines} notes={notes} /> : <Unified lines={lines} notes={notes} />}
    </div>
  );
});

/** The attributes of a line that can be chosen. */
function choice(line: PatchLine, notes: LineNotes | undefined): object {
  const place = notes && placeOf(line);
  return place && notes.can(place) ? { "data-place": placeKey(place), tabIndex: -1 } : {};
}

function under(line: PatchLine | undefined, notes: LineNotes | undefined): ReactNode {
  const place = line && notes && placeOf(line);
  return place ? notes.under(place) : undefined;
}

type Drawn = Omit<LinesProps, "mode">;

function Unified({ lines, notes }: Drawn): ReactNode {
  return lines.map((line, n) => (
    <Fragment key={n}>
      <div className={`ln ${line.kind}`} {...choice(line, notes)}>
        <i>{line.before}</i>
        <i>{line.after}</i>
        <span className="sg" aria-label={NAMES[line.kind]}>
          {SIGNS[line.kind]}
        </span>
        <span className="tx">
          <LineText line={line} />
        </span>
      </div>
      {under(line, notes)}
    </Fragment>
  ));
}

function Split({ lines, notes }: Drawn): ReactNode {
  return splitLines(lines).map(({ left, right }, n) => (
    <Fragment key={n}>
      <div className="pair">
        {/* A line that is the same on both sides is chosen on the right one. */}
        <Side line={left} number={left?.before} notes={left === right ? undefined : notes} />
        {right?.kind === "h" ? <div className="ln h" /> : <Side line={right} number={right?.after} notes={notes} />}
      </div>
      {left !== right && under(left, notes)}
      {under(right, notes)}
    </Fragment>
  ));
}

interface SideProps {
  line: PatchLine | undefined;
  number: number | undefined;
  notes: LineNotes | undefined;
}

function Side({ line, number, notes }: SideProps): ReactNode {
  if (!line) return <div className="ln blank" />;
  return (
    <div className={`ln ${line.kind}`} {...choice(line, notes)}>
      <i>{number}</i>
      <span className="sg" aria-label={NAMES[line.kind]}>
        {SIGNS[line.kind]}
      </span>
      <span className="tx">
        <LineText line={line} />
      </span>
    </div>
  );
}
