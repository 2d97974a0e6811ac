import { lazy, Suspense, type ComponentProps, type ReactNode } from "react";
import type * as Dialogs from "./dialog.tsx";

/** Dialogs are rare, so their code is loaded with the first one. */
const load = () => import("./dialog.tsx");
const LazyConfirm = lazy(() => load().then(({ Confirm: component }) => ({ default: component })));
const LazySheet = lazy(() => load().then(({ Sheet: component }) => ({ default: component })));

/** Asks once before an action that cannot be undone. */
export function Confirm(props: ComponentProps<typeof Dialogs.Confirm>): ReactNode {
  if (!props.isOpen) return null;
  return (
    <Suspense>
      <LazyConfirm {...props} />
    </Suspense>
  );
}

/** An overlay on the page: a card, or a drawer at the right edge. */
export function Sheet(props: ComponentProps<typeof Dialogs.Sheet>): ReactNode {
  if (!props.isOpen) return null;
  return (
    <Suspense>
      <LazySheet {...props} />
    </Suspense>
  );
}
