import { useRef, type FormEvent, type ReactNode } from "react";
import { isSsh } from "../../src/wire/address-kinds.ts";
import { AllowedOrWhy } from "../kit/allowed.tsx";
import { CopyField } from "../kit/copy-field.tsx";
import { Sheet } from "../kit/dialog.tsx";
import { Hivectl } from "../kit/hivectl.tsx";
import { KeyFile, Token } from "./credential.tsx";
import { HostKey } from "./host-key.tsx";
import { useNewRepo, type Asked, type Fields } from "./use-new-repo.ts";

/** Adds an empty repository, or one of another host. A folder of this host is added in a terminal: a page names none. */
export function NewRepo({ onClose }: { onClose: () => void }): ReactNode {
  const { fields, set, asked, error, isBusy, submit } = useNewRepo();
  const { name, base, address } = fields;
  const first = useRef<HTMLInputElement>(null);
  const isRemote = address.trim() !== "";
  const isOverSsh = isRemote && isSsh(address.trim());
  const action = !isRemote ? "create" : isOverSsh && !asked ? "next: ask the host" : asked ? "trust this host and add" : "add";
  const foot = (
    <div className="foot">
      <button type="submit" className="go" disabled={isBusy} aria-busy={isBusy}>
        {isBusy && <span className="spinner" aria-hidden="true" />}
        {action}
      </button>
    </div>
  );
  return (
    <Sheet isOpen onClose={onClose} title="add a repository" first={first}>
      <form
        className="form"
        autoComplete="off"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          void submit();
        }}
      >
        <label className="field">
          name
          <input
            ref={first}
            value={name}
            onChange={(event) => set({ name: event.target.value })}
            placeholder="web"
            required
            maxLength={40}
            pattern="[a-z0-9]([a-z0-9_.\-]*[a-z0-9])?"
            title="a-z, 0-9, -, _ and ., beginning and ending with a letter or a digit"
            autoComplete="off"
            spellCheck={false}
          />
        </label>
        <label className="field">
          address on another host; empty: a new repository
          <input
            value={address}
            onChange={(event) => set({ address: event.target.value })}
            placeholder="git@host:owner/web.git or https://…"
            maxLength={512}
            autoComplete="off"
            spellCheck={false}
          />
        </label>
        {!isRemote && (
          <label className="field">
            base: the branch that changes are merged into
            <input
              value={base}
              onChange={(event) => set({ base: event.target.value })}
              required
              maxLength={120}
              autoComplete="off"
              spellCheck={false}
            />
          </label>
        )}
        {isRemote && <RemoteFields fields={fields} set={set} isOverSsh={isOverSsh} />}
        {asked && <Confirmed asked={asked} />}
        {error !== undefined && (
          <p className="red" role="alert">
            {error}
          </p>
        )}
        {isBusy && isRemote && (!isOverSsh || asked) && (
          <p className="dim small" role="status">
            The hive copies the repository. It goes on if you close this.
          </p>
        )}
        {isRemote ? (
          <AllowedOrWhy to="repo_add_remote">{foot}</AllowedOrWhy>
        ) : (
          <AllowedOrWhy to="repo_create">{foot}</AllowedOrWhy>
        )}
        <p className="dim small">
          A clone on this machine is added in a terminal: <Hivectl>repo add web ~/src/web</Hivectl>
        </p>
      </form>
    </Sheet>
  );
}

interface RemoteFieldsProps {
  fields: Fields;
  set: (change: Partial<Fields>) => void;
  isOverSsh: boolean;
}

/** What an address takes: the way to log in, and whether it may be a private one. */
function RemoteFields({ fields: { isPrivate, isOwnKey, credential }, set, isOverSsh }: RemoteFieldsProps): ReactNode {
  const given = { value: credential, set: (value: Fields["credential"]) => set({ credential: value }) };
  return (
    <>
      {!isOverSsh && <Token {...given} />}
      {isOverSsh && (
        <label className="field">
          key to log in with
          <select value={isOwnKey ? "own" : "file"} onChange={(event) => set({ isOwnKey: event.target.value === "own" })}>
            <option value="own">made by the hive</option>
            <option value="file">mine, from a file</option>
          </select>
        </label>
      )}
      {isOverSsh && !isOwnKey && <KeyFile {...given} />}
      <label className="field tick">
        <input type="checkbox" checked={isPrivate} onChange={(event) => set({ isPrivate: event.target.checked })} />
        the host has a private address, in your own network
      </label>
    </>
  );
}

/** What the operator compares and takes along before the hive logs in over ssh. */
function Confirmed({ asked: { hostKey, publicKey } }: { asked: Asked }): ReactNode {
  return (
    <div className="form" role="group" aria-label="keys">
      <p>
        The host shows the key <HostKey hostKey={hostKey} /> Compare it with what its owner publishes.
      </p>
      {publicKey !== undefined && (
        <CopyField
          label="the hive’s key: add it at the host, with the right to write if merges are pushed"
          text={publicKey}
          copied="the key is copied"
        />
      )}
    </div>
  );
}
