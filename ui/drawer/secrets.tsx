import { useCallback, useState, type ReactNode } from "react";
import { secretWarning } from "../../src/wire/config-env.ts";
import type { SecretUse, SecretView } from "../../src/wire/secrets.ts";
import { Allowed, AllowedOrWhy } from "../kit/allowed.tsx";
import { Action, useAction } from "../kit/button.tsx";
import { Form, NameField, SecretField } from "../kit/form.tsx";
import { Confirm } from "../kit/lazy.tsx";
import { Empty } from "../kit/panel.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

const wordsOf = ({ agent, door }: SecretUse): string =>
  visible(`${agent} (${door === undefined ? "environment" : `door ${door}`})`);

/** The secrets of the hive with where they are used. A value is typed here and never shown. */
export function Secrets(): ReactNode {
  // What the agents' configs name changes with their deploys.
  const deployed = useHive((state) => [...state.agents.values()].map((agent) => agent.deployed_sha).join());
  const { value, error, again } = useFetched(
    useCallback(() => call("secrets", {}), []),
    deployed,
  );
  const [asked, setAsked] = useState<SecretView>();
  if (!value) return <Empty>{error ?? "loading…"}</Empty>;
  return (
    <div className="drawer-body form">
      <p className="dim">
        Tokens and keys for agents. An agent gets one only if a config that you approved names it. No page shows a value again.
      </p>
      {value.secrets.length === 0 ? (
        <p className="dim small">There are no secrets.</p>
      ) : (
        <ul className="secrets" aria-label="secrets">
          {value.secrets.map((one) => (
            <Row key={one.name} secret={one} onRemove={() => setAsked(one)} />
          ))}
        </ul>
      )}
      <AllowedOrWhy to="secret_set">
        <SetSecret onSet={again} />
      </AllowedOrWhy>
      <Confirm
        isOpen={asked !== undefined}
        onClose={() => setAsked(undefined)}
        title={`remove ${asked?.name ?? ""} for good?`}
        words={
          asked?.uses.length
            ? `It is used: ${asked.uses.map(wordsOf).join(", ")}. What uses it then works without it.`
            : "Nothing uses it."
        }
      >
        <Action
          kind="no"
          run={async () => {
            if (!asked) return;
            await call("secret_remove", { name: asked.name, force: asked.uses.length > 0 });
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

function Row({
  secret: { name, missing, systemd, set_at: set, set_by: by, used_at: used, uses },
  onRemove,
}: RowProps): ReactNode {
  return (
    <li>
      <span className="words">
        <b>{visible(name)}</b> {missing === true && <span className="red">missing</span>}
        <div className="dim small">
          {systemd === true && "passed by systemd · "}
          {set !== undefined && `set ${set.slice(0, 10)} by ${visible(by ?? "")} · `}
          {used === undefined ? "not used yet" : `used ${used.slice(0, 10)}`}
          {uses.length > 0 && ` · ${uses.map(wordsOf).join(", ")}`}
        </div>
      </span>
      {set !== undefined && (
        <Allowed to="secret_remove">
          <button type="button" className="ghost" onClick={onRemove}>
            remove<span className="sr"> {visible(name)}</span>
          </button>
        </Allowed>
      )}
    </li>
  );
}

interface RowProps {
  secret: SecretView;
  onRemove: () => void;
}

function SetSecret({ onSet }: { onSet: () => Promise<void> }): ReactNode {
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const isWhole = name.trim() !== "" && text !== "";
  const action = useAction(async () => {
    const { secret } = await call("secret_set", { name: name.trim(), value: text });
    setName("");
    setText("");
    await onSet();
    const agents = secret.uses.filter(({ as }) => as === "environment").map(({ agent }) => visible(agent));
    const warning = secretWarning(secret.name);
    const rest = [
      ...(warning === undefined ? [] : [warning]),
      ...(agents.length === 0 ? [] : [`${agents.join(", ")}: from the next start of the cage`]),
    ];
    return [`${secret.name} is kept`, ...rest].join("; ");
  }, isWhole);
  return (
    <Form
      action={action}
      submit="keep"
      isWhole={isWhole}
      beside={<span className="dim small">a name that is there gets the new value</span>}
    >
      <NameField label="name: A-Z, 0-9 and _" value={name} set={setName} placeholder="NPM_TOKEN" maxLength={64} />
      <SecretField label="value" value={text} set={setText} />
    </Form>
  );
}
