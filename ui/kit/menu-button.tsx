import { lazy, Suspense, useState, type ReactNode } from "react";
import type { MenuProps } from "./row-menu.tsx";

const loadMenu = () => import("./row-menu.tsx");
const RowMenu = lazy(() => loadMenu().then(({ RowMenu: component }) => ({ default: component })));

/** A button `…` with a menu. The menu's code loads when the pointer reaches the button. */
export function MenuButton(props: MenuProps): ReactNode {
  const [isWanted, setWanted] = useState(false);
  if (isWanted) {
    return (
      <Suspense fallback={<span className="ghost">…</span>}>
        <RowMenu {...props} />
      </Suspense>
    );
  }
  return (
    <button
      type="button"
      className="ghost"
      aria-label={props.label}
      aria-haspopup="menu"
      onPointerEnter={() => void loadMenu()}
      onClick={() => setWanted(true)}
    >
      …
    </button>
  );
}
