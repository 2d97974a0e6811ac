import { useState, type ReactNode } from "react";
import { ApiError } from "../lib/api.ts";
import { toast } from "./toast.tsx";

/** An action that can be started from a button, and by Enter in the box next to it. */
export interface Act {
  isBusy: boolean;
  act: () => void;
}

/** Runs `run`, one call at a time. A refusal becomes a toast, and so do the words that it returns, if any. */
export function useAction(run: () => Promise<string | undefined | void>, isAllowed = true): Act {
  const [isBusy, setBusy] = useState(false);
  const act = async (): Promise<void> => {
    if (isBusy || !isAllowed) return;
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
  return { isBusy, act: () => void act() };
}

interface ButtonProps {
  children: ReactNode;
  kind?: "go" | "no" | "ghost" | undefined;
  disabled?: boolean;
  title?: string;
  className?: string;
}

/** A button that shows that its action runs, and reports the result. */
export function Action({ run, ...rest }: ButtonProps & { run: () => Promise<string | undefined | void> }): ReactNode {
  return <ActionButton action={useAction(run)} {...rest} />;
}

/** The button of an action that can also be started in another way. */
export function ActionButton({
  action: { isBusy, act },
  children,
  kind,
  disabled,
  title,
  className = "",
}: ButtonProps & { action: Act }): ReactNode {
  return (
    <button
      type="button"
      className={`${kind ?? ""} ${className}`}
      disabled={disabled === true || isBusy}
      aria-busy={isBusy}
      title={title}
      onClick={act}
    >
      {isBusy && <span className="spinner" aria-hidden="true" />}
      {children}
    </button>
  );
}
