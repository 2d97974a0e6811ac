import { useCallback, useState, type ReactNode } from "react";
import { DEFAULT_CREDENTIAL } from "../../src/wire/default-credential.ts";
import type { CredentialView } from "../../src/wire/model-credentials.ts";
import { AllowedOrWhy } from "../kit/allowed.tsx";
import { Action, useAction } from "../kit/button.tsx";
import { Form, NameField, SecretField } from "../kit/form.tsx";
import { Hivectl } from "../kit/hivectl.tsx";
import { Confirm } from "../kit/lazy.tsx";
import { OpenLink } from "../kit/open-link.tsx";
import { Empty } from "../kit/panel.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { useHive } from "../lib/store.ts";
import { count, visible } from "../lib/text.ts";
import { CredentialRow } from "./credential-row.tsx";

/** Days of use that are summed. */
const DAYS = 30;

async function all() {
  const [{ credentials }, { rows }, { rows: used }] = await Promise.all([
    call("credentials", {}),
    call("budget", {}),
    call("usage_sums", { days: DAYS, by: ["credential", "agent"] }),
  ]);
  return { credentials, rows, used };
}

/** The credentials for the model with who uses them, and their limits. A value is pasted here once and never shown. */
export function Credentials(): ReactNode {
  // What the agents' configs name changes with their deploys, and what is used with each answer of the model.
  const mark = useHive(({ agents, hive }) =>
    [count(hive.tokens_today), [...agents.values()].map((agent) => agent.deployed_sha ?? "").join()].join(" "),
  );
  const plan = useHive((state) => state.hive.plan) ?? [];
  const { value, error, again } = useFetched(
    useCallback(() => all(), []),
    mark,
  );
  const [asked, setAsked] = useState<CredentialView>();
  if (!value) return <Empty>{error ?? "loading…"}</Empty>;
  return (
    <div className="drawer-body form">
      <p className="dim">
        Each agent asks the model with the credential that its approved config names, or with the hive’s own. Nothing changes to
        another one by itself. <OpenLink open="login">The hive’s own</OpenLink>
      </p>
      <ul className="plain credentials" aria-label="credentials">
        {value.credentials.map((one) => (
          <CredentialRow
            key={one.name}
            credential={one}
            plan={plan.filter(({ credential = DEFAULT_CREDENTIAL }) => credential === one.name)}
            limits={value.rows.filter(({ credential }) => credential === one.name)}
            used={value.used.filter(({ credential }) => credential === one.name)}
            days={DAYS}
            onRemove={() => setAsked(one)}
          />
        ))}
      </ul>
      <AllowedOrWhy to="credential_add">
        <AddCredential onAdded={again} />
      </AllowedOrWhy>
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

function AddCredential({ onAdded }: { onAdded: () => Promise<void> }): ReactNode {
  const [name, setName] = useState("");
  const [token, setToken] = useState("");
  const isWhole = name.trim() !== "" && token.trim() !== "";
  const action = useAction(async () => {
    const { credential } = await call("credential_add", { name: name.trim(), token: token.trim() });
    setName("");
    setToken("");
    await onAdded();
    const use =
      credential.agents.length === 0
        ? `no agent uses it: a config with "credential": "${credential.name}" does`
        : `used by ${visible(credential.agents.join(", "))} from the next request`;
    return [`${credential.name} is kept`, ...(credential.problem === undefined ? [] : [visible(credential.problem)]), use].join(
      "; ",
    );
  }, isWhole);
  return (
    <section className="limits" aria-labelledby="add-a-credential">
      <h3 id="add-a-credential">add a credential</h3>
      <Form
        action={action}
        submit="keep"
        isWhole={isWhole}
        beside={<span className="dim small">a name that is there gets the new value</span>}
      >
        <NameField label="name, as agent.json has it" value={name} set={setName} placeholder="work" maxLength={32} />
        <SecretField label="API key or long-lived token" value={token} set={setToken} />
      </Form>
      <p className="dim small">
        It stays on this host, and no page shows it again. <Hivectl>credential add --file</Hivectl> takes one from a file,{" "}
        <Hivectl>login --model --credential</Hivectl> from a log-in.
      </p>
    </section>
  );
}
