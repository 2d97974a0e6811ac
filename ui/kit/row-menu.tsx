import { Menu } from "@base-ui/react/menu";
import type { ReactNode } from "react";
import { mayCall, type OperatorOperation } from "../../src/wire/roles.ts";
import { useHive } from "../lib/store.ts";

export interface MenuEntry {
  words: string;
  run: () => void;
  isDanger?: boolean;
  /** The operation that it calls. The entry is not there for a role that may not call it. */
  needs?: OperatorOperation;
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
  const role = useHive((state) => state.you.role);
  const allowed = entries.filter(({ needs }) => needs === undefined || mayCall(role, needs));
  return (
    <Menu.Root defaultOpen>
      <Menu.Trigger className="ghost" aria-label={label} aria-busy={isBusy}>
        {isBusy ? <span className="spinner" aria-hidden="true" /> : "…"}
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={4} align="end" className="menu-place">
          <Menu.Popup className="menu">
            {title !== undefined && <div className="dim title">{title}</div>}
            {allowed.map(({ words, run, isDanger }) => (
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
