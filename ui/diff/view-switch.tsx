import type { ReactNode } from "react";
import type { DiffMode } from "./lines.tsx";

interface SwitchProps {
  /** What the diff can be compared with, in words. */
  bases: Readonly<Partial<Record<string, string>>>;
  base: string;
  mode: DiffMode;
  change: (next: { base?: string; view?: DiffMode }) => void;
}

/** The line above a diff: what it is compared with, and its layout. */
export function ViewSwitch({ bases, base, mode, change }: SwitchProps): ReactNode {
  return (
    <div className="against">
      <label className="dim">
        against:{" "}
        <select value={base} onChange={(event) => change({ base: event.target.value })}>
          {Object.entries(bases).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <div className="modes" role="group" aria-label="view">
        {(["unified", "split"] as const).map((one) => (
          <button key={one} type="button" className="ghost" aria-pressed={mode === one} onClick={() => change({ view: one })}>
            {one}
          </button>
        ))}
      </div>
    </div>
  );
}
