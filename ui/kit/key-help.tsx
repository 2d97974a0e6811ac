import type { ReactNode } from "react";
import type { Key } from "../lib/keys.ts";
import { Sheet } from "./lazy.tsx";

/** The list of keys that `?` opens. */
export function KeyHelp({ keys, isOpen, onClose }: { keys: readonly Key[]; isOpen: boolean; onClose: () => void }): ReactNode {
  return (
    <Sheet isOpen={isOpen} onClose={onClose} title="keys">
      <dl className="help keys">
        {keys.map(({ key, words }) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd className="dim">{words}</dd>
          </div>
        ))}
      </dl>
    </Sheet>
  );
}
