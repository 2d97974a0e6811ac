import { useCallback, useState, type ReactNode } from "react";
import type { HostKey as Key } from "../../src/wire/remote.ts";
import { Allowed } from "../kit/allowed.tsx";
import { ActionButton, useAction } from "../kit/button.tsx";
import { Confirm } from "../kit/lazy.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { knowRepo } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

/** A host key, as its owner publishes it, on lines of its own: it is compared by eye. */
export function HostKey({ hostKey: { fingerprint, type } }: { hostKey: Key }): ReactNode {
  return (
    <span className="host-key">
      <code>{visible(fingerprint)}</code> <span className="dim">{type}</span>
    </span>
  );
}

/** Compares the host key that was confirmed for a repository with the one that its host shows, and takes the new one. */
export function CheckHostKey({ name }: { name: string }): ReactNode {
  const [isAsked, setAsked] = useState(false);
  const { value, error } = useFetched(
    useCallback(async () => (isAsked ? call("repo_host_key", { name }) : undefined), [name, isAsked]),
  );
  const isNew = value !== undefined && value.key.fingerprint !== value.known?.fingerprint;
  const trust = useAction(async () => {
    if (!value) return;
    const { repo } = await call("repo_trust", { name, host_key: value.key });
    knowRepo(repo);
    setAsked(false);
    return `${name} trusts ${value.key.fingerprint}`;
  });
  return (
    <Allowed to="repo_trust">
      <button type="button" className="ghost" onClick={() => setAsked(true)}>
        compare the host key…
      </button>
      <Confirm
        isOpen={isAsked}
        onClose={() => setAsked(false)}
        title={`the host key of ${visible(name)}`}
        words={
          <span role="status">
            {error ?? (value === undefined ? "Asking the host…" : undefined)}
            {value !== undefined && !isNew && "The host shows the key that you have confirmed: "}
            {value !== undefined && isNew && "The host shows another key than the one that you have confirmed. It shows "}
            {value !== undefined && <HostKey hostKey={value.key} />}
            {value?.known !== undefined && isNew && (
              <>
                {" "}
                and had <HostKey hostKey={value.known} /> Compare it with what the host’s owner publishes. If no new key was
                announced, another host may answer in its place.
              </>
            )}
          </span>
        }
      >
        {isNew && (
          <ActionButton kind="no" action={trust}>
            trust the new key
          </ActionButton>
        )}
      </Confirm>
    </Allowed>
  );
}
