import { Menu } from "@base-ui/react/menu";
import type { ReactNode } from "react";

export interface MenuEntry {
  words: string;
  run: () => void;
  isDanger?: boolean;
}

/** A menu behind `…`. It comes opened: whoever loads it has pressed the button. */
export function RowMenu({ label, entries }: { label: string; entries: readonly MenuEntry[] }): ReactNode {
  return (
    <Menu.Root defaultOpen>
      <Menu.Trigger className="ghost" aria-label={label}>
        …
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={4} align="end" className="menu-place">
          <Menu.Popup className="menu">
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
