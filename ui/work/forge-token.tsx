import { useState, type ReactNode } from "react";
import type { RemoteView } from "../../src/wire/work.ts";
import { Action, useAction } from "../kit/button.tsx";
import { Form, SecretField } from "../kit/form.tsx";
import { call } from "../lib/api.ts";
import { knowRepo } from "../lib/store.ts";

interface ForgeTokenProps {
  name: string;
  remote: RemoteView;
  onDone: () => void;
}

/** Gives pull requests a token of their own, or takes it away. The token is kept in the form alone, and never shown. */
export function ForgeToken({ name, remote, onDone }: ForgeTokenProps): ReactNode {
  const [token, setToken] = useState("");
  const keep = useAction(async () => {
    const { repo } = await call("repo_login", { name, token, forge: true });
    knowRepo(repo);
    onDone();
    return `${name} has a token for pull requests`;
  }, token !== "");
  const remove = async (): Promise<string> => {
    const { repo } = await call("repo_login", { name, forge: true });
    knowRepo(repo);
    onDone();
    return `${name} has no token for pull requests any more`;
  };
  return (
    <Form
      action={keep}
      submit="keep for pull requests"
      isWhole={token !== ""}
      beside={
        remote.forge_token === true && (
          <Action kind="no" run={remove}>
            remove the token for pull requests
          </Action>
        )
      }
    >
      <SecretField label="pull requests: a token of their own, with the right to write them" value={token} set={setToken} />
    </Form>
  );
}
