import { useState, type ReactNode } from "react";
import { ApiError } from "../lib/api.ts";
import { toast } from "./toast.tsx";

interface ActionProps {
  /** Carries the action out. Its refusal becomes a toast; its words, if it returns any, too. */
  run: () => Promise<string | undefined | void>;
  children: ReactNode;
  kind?: "go" | "no" | "ghost" | undefined;
  disabled?: boolean;
  title?: string;
  className?: string;
}

/** A button that shows that it works, and says what became of it. */
export function Action({ run, children, kind, disabled, title, className = "" }: ActionProps): ReactNode {
  const [isBusy, setBusy] = useState(false);
  const act = async (): Promise<void> => {
    setBusy(true);
    try {
      const words = await run();
      if (words) toast(words);
    } catch (error) {
      toast(error instanceof ApiError ? error.message : "that did not work", "error");
    } finally {
      setBusy(false);
    }
  };
  return (
    <button
      type="button"
      className={`${kind ?? ""} ${className}`}
      disabled={disabled === true || isBusy}
      aria-busy={isBusy}
      title={title}
      onClick={() => void act()}
    >
      {isBusy && <span className="spinner" aria-hidden="true" />}
      {children}
    </button>
  );
}
