import { useCallback, useState, type ReactNode } from "react";
import { DEFAULT_CREDENTIAL } from "../../src/wire/default-credential.ts";
import type { CredentialView } from "../../src/wire/model-credentials.ts";
import { Allowed } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { Confirm } from "../kit/lazy.tsx";
import { OpenLink } from "../kit/open-link.tsx";
import { Empty } from "../kit/panel.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

/** Where each credential comes from. */
const SOURCES: Readonly<Record<CredentialView["source"], string>> = {
  token: "kept by the hive",
  file: "read from a file",
  environment: "from the daemon’s environment",
  login: "from the log-in",
  none: "none: the hive rehearses",
  rehearsal: "HIVE_REHEARSAL=1: the hive rehearses",
  missing: "missing",
};

/** The credentials for the model with the agents that use them. A value is never shown. */
export function Credentials(): ReactNode {
  // What the agents' configs name changes with their deploys.
  const deployed = useHive((state) => [...state.agents.values()].map((agent) => agent.deployed_sha).join());
  const { value, error, again } = useFetched(
    useCallback(() => call("credentials", {}), []),
    deployed,
  );
  const [asked, setAsked] = useState<CredentialView>();
  if (!value) return <Empty>{error ?? "loading…"}</Empty>;
  return (
    <div className="drawer-body form">
      <p className="dim">
        Each agent asks the model with the credential that its approved config names, or with the hive’s own. Nothing changes to
        another one by itself. <code>hivectl credential add</code> keeps another one.{" "}
        <OpenLink open="login">The hive’s own</OpenLink>
      </p>
      <ul className="secrets" aria-label="credentials">
        {value.credentials.map((one) => (
          <Row key={one.name} credential={one} onRemove={() => setAsked(one)} />
        ))}
      </ul>
      <Confirm
        isOpen={asked !== undefined}
        onClose={() => setAsked(undefined)}
        title={`remove ${asked?.name ?? ""} for good?`}
        words={
          asked?.agents.length
            ? `It is used by ${visible(asked.agents.join(", "))}. The model then answers these agents no more.`
            : "No agent uses it."
        }
      >
        <Action
          kind="no"
          run={async () => {
            if (!asked) return;
            await call("credential_remove", { name: asked.name, force: asked.agents.length > 0 });
            setAsked(undefined);
            await again();
            return `${visible(asked.name)} is removed`;
          }}
        >
          remove
        </Action>
      </Confirm>
    </div>
  );
}

function Row({ credential, onRemove }: { credential: CredentialView; onRemove: () => void }): ReactNode {
  const { name, source, file, problem, by, at, agents } = credential;
  return (
    <li>
      <span className="words">
        <b>{visible(name)}</b> {problem !== undefined && <span className="red">{visible(problem)}</span>}
        <div className="dim small">
          {visible(file ?? SOURCES[source])}
          {at !== undefined && ` · set ${at.slice(0, 10)} by ${visible(by ?? "")}`}
          {agents.length > 0 && ` · ${visible(agents.join(", "))}`}
        </div>
      </span>
      {name !== DEFAULT_CREDENTIAL && source !== "missing" && (
        <Allowed to="credential_remove">
          <button type="button" className="ghost" onClick={onRemove}>
            remove<span className="sr"> {visible(name)}</span>
          </button>
        </Allowed>
      )}
    </li>
  );
}
