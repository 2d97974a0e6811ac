import type { ReactNode } from "react";

/** The way of something through its states, with the present one marked. */
export function Steps({ steps, at, label }: { steps: readonly string[]; at: number; label: string }): ReactNode {
  return (
    <ol aria-label={label}>
      {steps.map((step, n) => (
        <li
          key={step}
          className={n < at ? "green" : n === at ? "mauve now" : "faint"}
          aria-current={n === at ? "step" : undefined}
        >
          {step}
        </li>
      ))}
    </ol>
  );
}
