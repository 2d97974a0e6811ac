import type { ReactNode } from "react";

interface PanelProps {
  /** The header as it is shown, in leet, and as screen readers read it. */
  leet: string;
  label: string;
  /** A count, which is never cut, or text, which may be. */
  note?: string | number | undefined;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
}

/** A framed section of the page with its ◆ header. */
export function Panel({ leet, label, note, actions, children, className = "" }: PanelProps): ReactNode {
  return (
    <section className={`panel ${className}`} aria-label={label}>
      <header>
        <h2 aria-label={label}>{leet}</h2>
        {typeof note === "number" ? (
          <span className="dim">{note}</span>
        ) : (
          <span className="dim note" title={note}>
            {note}
          </span>
        )}
        <span className="grow" />
        {actions}
      </header>
      {children}
    </section>
  );
}

/** The placeholder of an empty list: what it will contain, and how to get it there. */
export function Empty({ children }: { children: ReactNode }): ReactNode {
  return <div className="empty dim">{children}</div>;
}
