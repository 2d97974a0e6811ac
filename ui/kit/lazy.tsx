import { lazy, Suspense, type ComponentProps, type ReactNode } from "react";
import type * as Dialogs from "./dialog.tsx";

/** Dialogs are opened seldom: their code comes with the first one. */
const load = () => import("./dialog.tsx");
const LazyConfirm = lazy(() => load().then(({ Confirm: component }) => ({ default: component })));
const LazySheet = lazy(() => load().then(({ Sheet: component }) => ({ default: component })));

/** Asks once before something that cannot be taken back. */
export function Confirm(props: ComponentProps<typeof Dialogs.Confirm>): ReactNode {
  if (!props.isOpen) return null;
  return (
    <Suspense>
      <LazyConfirm {...props} />
    </Suspense>
  );
}

/** Something opened over the page: a card, or a drawer at the right edge. */
export function Sheet(props: ComponentProps<typeof Dialogs.Sheet>): ReactNode {
  if (!props.isOpen) return null;
  return (
    <Suspense>
      <LazySheet {...props} />
    </Suspense>
  );
}
