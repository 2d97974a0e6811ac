import type { ReactNode } from "react";
import { Action } from "../kit/button.tsx";

interface InsteadProps {
  /** The change has another commit than the diff on the screen. */
  isOld: boolean;
  again: () => Promise<void>;
  /** What the diff is compared with. */
  words: string;
  /** Shows the diff that is decided on. */
  decide: () => void;
}

/** Takes the place of the decisions while the diff on the screen is not the one to decide on. */
export function Instead({ isOld, again, words, decide }: InsteadProps): ReactNode {
  return (
    <div className="foot act">
      {isOld ? (
        <>
          <span className="amber">The change has another commit since this was read.</span>
          <Action run={again}>look again</Action>
        </>
      ) : (
        <>
          <span className="dim">compared with {words}, for reading</span>
          <button type="button" onClick={decide}>
            compare with where the branch began, to decide
          </button>
        </>
      )}
    </div>
  );
}
