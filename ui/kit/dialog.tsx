import { AlertDialog } from "@base-ui/react/alert-dialog";
import { Dialog } from "@base-ui/react/dialog";
import type { ReactNode, RefObject } from "react";

interface ConfirmProps {
  isOpen: boolean;
  onClose: () => void;
  title: string;
  words: ReactNode;
  children: ReactNode;
}

/** Asks once before an action that cannot be undone. `children` are the buttons of the action. */
export function Confirm({ isOpen, onClose, title, words, children }: ConfirmProps): ReactNode {
  return (
    <AlertDialog.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog">
          <AlertDialog.Title className="dialog-title">{title}</AlertDialog.Title>
          <AlertDialog.Description className="dim">{words}</AlertDialog.Description>
          <div className="foot">
            {children}
            <AlertDialog.Close className="ghost">back</AlertDialog.Close>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

interface SheetProps {
  isOpen: boolean;
  onClose: () => void;
  title: ReactNode;
  children: ReactNode;
  /** A drawer at the right edge instead of a card in the middle. */
  isDrawer?: boolean;
  /** The element to focus on opening, if not the close button. */
  first?: RefObject<HTMLElement | null>;
}

/** An overlay on the page. Escape and a click outside close it. */
export function Sheet({ isOpen, onClose, title, children, isDrawer = false, first }: SheetProps): ReactNode {
  return (
    <Dialog.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className={isDrawer ? "drawer" : "dialog"} {...(first ? { initialFocus: first } : {})}>
          <div className="sheet-head">
            <Dialog.Title className="dialog-title">{title}</Dialog.Title>
            <Dialog.Close className="ghost" aria-label="close">
              ✕
            </Dialog.Close>
          </div>
          {isDrawer ? <div className="sheet-body">{children}</div> : children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
