import { Menu } from "@base-ui/react/menu";
import type { ReactNode } from "react";

export interface MenuEntry {
  words: string;
  run: () => void;
  isDanger?: boolean;
}

export interface MenuProps {
  label: string;
  /** Shown above the entries. */
  title?: string;
  entries: readonly MenuEntry[];
  /** A chosen action is running. */
  isBusy?: boolean;
}

/** A menu behind `…`. It mounts opened, because a press of the button loads it. */
export function RowMenu({ label, title, entries, isBusy = false }: MenuProps): ReactNode {
  return (
    <Menu.Root defaultOpen>
      <Menu.Trigger className="ghost" aria-label={label} aria-busy={isBusy}>
        {isBusy ? <span className="spinner" aria-hidden="true" /> : "…"}
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={4} align="end" className="menu-place">
          <Menu.Popup className="menu">
            {title !== undefined && <div className="dim title">{title}</div>}
            {entries.map(({ words, run, isDanger }) => (
              <Menu.Item key={words} className={isDanger ? "red" : ""} onClick={run}>
                {words}
              </Menu.Item>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
