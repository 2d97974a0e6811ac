import { useCallback, useId, useState, type FormEvent, type ReactNode } from "react";
import type { PasskeyPlace, PasskeyView } from "../../src/wire/passkeys.ts";
import { useMay } from "../kit/allowed.tsx";
import { Action, ActionButton, useAction } from "../kit/button.tsx";
import { Sheet } from "../kit/dialog.tsx";
import { Hivectl } from "../kit/hivectl.tsx";
import { OpenLink } from "../kit/open-link.tsx";
import { Empty } from "../kit/panel.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { makePasskey } from "../lib/passkey.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

/** Who is logged in, with the passkeys that confirm its approvals. */
export function You({ onClose }: { onClose: () => void }): ReactNode {
  const { name, role } = useHive((state) => state.you);
  const may = useMay("passkey_add");
  return (
    <Sheet isOpen onClose={onClose} title={`${visible(name)}, ${role}`} isDrawer>
      <div className="drawer-body form">
        <p>
          <OpenLink open="secrets">the hive’s secrets</OpenLink> <span className="dim">tokens and keys that agents use</span>
        </p>
        <p>
          <OpenLink open="credentials">credentials for the model</OpenLink>{" "}
          <span className="dim">which agent asks with which</span>
        </p>
        <p>
          <OpenLink open="limits">limits</OpenLink> <span className="dim">what agents may spend</span>
        </p>
        {may ? <Passkeys /> : <p className="dim">A viewer approves nothing, so it needs no passkey.</p>}
      </div>
    </Sheet>
  );
}

function Passkeys(): ReactNode {
  const { value, error, again } = useFetched(useCallback(() => call("passkeys", {}), []));
  if (!value) return <Empty>{error ?? "loading…"}</Empty>;
  const { passkeys, required, place } = value;
  const isHere = "origin" in place && place.origin === location.origin;
  return (
    <>
      <p className="dim">
        A passkey of your phone, laptop or security key can confirm what you approve. A stolen session then approves nothing.
      </p>
      {passkeys.length > 0 && (
        <ul className="passkeys" aria-label="your passkeys">
          {passkeys.map((one) => (
            <Row key={one.id} passkey={one} onChange={again} isHere={isHere} />
          ))}
        </ul>
      )}
      {isHere ? (
        <>
          <Add onAdded={again} />
          {(passkeys.length > 0 || required) && <Required isRequired={required} onChange={again} />}
        </>
      ) : (
        <Elsewhere place={place} />
      )}
    </>
  );
}

/** Why this page can use no passkey, and what to do. */
function Elsewhere({ place }: { place: PasskeyPlace }): ReactNode {
  if ("why" in place) return <p className="amber">No passkey can be used here: {visible(place.why)}.</p>;
  return (
    <p className="amber">
      Your passkeys work at <a href={place.origin}>{visible(place.origin)}</a>, and this page is at {location.origin}: log in
      there with a link of <Hivectl>login</Hivectl>.
    </p>
  );
}

interface RowProps {
  passkey: PasskeyView;
  isHere: boolean;
  onChange: () => Promise<void>;
}

function Row({ passkey: { id, name, host, added_at: added, used_at: used }, isHere, onChange }: RowProps): ReactNode {
  return (
    <li>
      <span className="words">
        <b>{visible(name)}</b>{" "}
        <span className="dim small">
          added {added.slice(0, 10)} · {used === undefined ? "not used yet" : `used ${used.slice(0, 10)}`}
          {isHere && host === location.hostname ? "" : ` · for ${visible(host)}`}
        </span>
      </span>
      <Action
        kind="ghost"
        run={async () => {
          await call("passkey_remove", { id });
          await onChange();
          return `the passkey ${visible(name)} is removed`;
        }}
      >
        remove<span className="sr"> {visible(name)}</span>
      </Action>
    </li>
  );
}

function Add({ onAdded }: { onAdded: () => Promise<void> }): ReactNode {
  const [name, setName] = useState("");
  const action = useAction(async () => {
    const { options } = await call("passkey_start", {});
    const { passkey } = await call("passkey_add", { name: name.trim(), passkey: await makePasskey(options) });
    setName("");
    await onAdded();
    return `the passkey ${visible(passkey.name)} is added`;
  }, name.trim() !== "");
  return (
    <form
      className="form"
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        action.act();
      }}
    >
      <label className="field">
        a name for a new passkey
        <input
          value={name}
          onChange={(event) => setName(event.target.value)}
          placeholder="laptop"
          maxLength={64}
          autoComplete="off"
          spellCheck={false}
        />
      </label>
      <div className="foot">
        <ActionButton action={action} disabled={name.trim() === ""}>
          add a passkey
        </ActionButton>
      </div>
    </form>
  );
}

function Required({ isRequired, onChange }: { isRequired: boolean; onChange: () => Promise<void> }): ReactNode {
  const says = useId();
  const name = useHive((state) => state.you.name);
  const run = async (): Promise<string> => {
    await call("passkey_require", { required: !isRequired });
    await onChange();
    return isRequired ? "your approvals need no passkey now" : "your approvals need your passkey now";
  };
  return (
    <section className="form" aria-labelledby={says}>
      <p id={says}>
        {isRequired ? <b className="green">Your approvals need your passkey.</b> : "Your approvals need no passkey."}
      </p>
      <div className="foot">
        <Action kind={isRequired ? "ghost" : "go"} run={run}>
          {isRequired ? "let them need none" : "let approvals need my passkey"}
        </Action>
      </div>
      <p className="dim small">
        This counts for approvals of requests and changes, rollbacks, new agents, settings of repositories and operators, and for
        your passkeys. In a terminal these are then refused. If you lose your passkeys, the admin of host.sock switches it off:{" "}
        <Hivectl>operator set {visible(name)} --passkey off</Hivectl>. A program that can open host.sock could do that, too; the
        audit trail records it.
      </p>
    </section>
  );
}
