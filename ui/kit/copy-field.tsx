import { useRef, type ReactNode } from "react";
import { toast } from "./toast.tsx";

interface CopyFieldProps {
  label: string;
  text: string;
  /** What is said once it is copied. */
  copied: string;
  /** Buttons before the one that copies. */
  children?: ReactNode;
}

/** A text to take elsewhere, with a button that copies it. */
export function CopyField({ label, text, copied, children }: CopyFieldProps): ReactNode {
  const field = useRef<HTMLInputElement>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      toast(copied);
    } catch {
      // Without permission for the clipboard, the text is selected for the keyboard.
      field.current?.select();
    }
  };
  return (
    <>
      <label className="field">
        {label}
        <input ref={field} value={text} readOnly spellCheck={false} onFocus={(event) => event.target.select()} />
      </label>
      <div className="foot">
        {children}
        <button type="button" className="ghost" onClick={() => void copy()}>
          copy
        </button>
      </div>
    </>
  );
}
