import type { ReactNode } from "react";
import { SecretField } from "../kit/form.tsx";

/** Characters that are read of a key file: twice what the daemon takes, so that it says what is wrong with a longer one. */
const MAX_KEY_CHARS = 32 * 1024;

/** What was given to log in with. It is kept in the form alone: no draft, and never shown. */
export interface Credential {
  token: string;
  key: string;
}
export const NO_CREDENTIAL: Credential = { token: "", key: "" };

interface CredentialProps {
  value: Credential;
  set: (value: Credential) => void;
}

/** The field for a token of https. */
export function Token({ value, set }: CredentialProps): ReactNode {
  return (
    <SecretField
      label="token: with the right to read, and to write if merges are pushed"
      value={value.token}
      set={(token) => set({ ...value, token })}
    />
  );
}

/** The field for the file of a private key. */
export function KeyFile({ value, set }: CredentialProps): ReactNode {
  return (
    <label className="field">
      file of a private key: ed25519 or ECDSA, without a passphrase
      <input
        type="file"
        required
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (!file) return set({ ...value, key: "" });
          void file
            .slice(0, MAX_KEY_CHARS)
            .text()
            .then((key) => set({ ...value, key }));
        }}
      />
    </label>
  );
}
