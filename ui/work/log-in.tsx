import { useState, type ReactNode } from "react";
import type { RemoteView, RepoView } from "../../src/wire/work.ts";
import { Allowed } from "../kit/allowed.tsx";
import { Action, useAction } from "../kit/button.tsx";
import { Sheet } from "../kit/dialog.tsx";
import { Form } from "../kit/form.tsx";
import { call } from "../lib/api.ts";
import { knowRepo } from "../lib/store.ts";
import { visible } from "../lib/text.ts";
import { ForgeToken } from "./forge-token.tsx";
import { KeyFile, NO_CREDENTIAL, Token } from "./credential.tsx";

interface LogInProps {
  name: string;
  remote: RemoteView;
  forge: RepoView["forge"];
}

type FormProps = Omit<LogInProps, "forge"> & { onDone: () => void };

/** Replaces or removes the credential of a repository that follows another host, and that of its pull requests. */
export function LogIn({ name, remote, forge }: LogInProps): ReactNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <Allowed to="repo_login">
      <button type="button" className="ghost" onClick={() => setOpen(true)}>
        {remote.credential === "none" ? "log in…" : "change the log-in…"}
      </button>
      <Sheet isOpen={isOpen} onClose={() => setOpen(false)} title={`log ${visible(name)} in at its host`}>
        {isOpen && <LogInForm name={name} remote={remote} onDone={() => setOpen(false)} />}
        {isOpen && forge !== "none" && <ForgeToken name={name} remote={remote} onDone={() => setOpen(false)} />}
      </Sheet>
    </Allowed>
  );
}

function LogInForm({ name, remote: { credential, host_key: hostKey }, onDone }: FormProps): ReactNode {
  const [given, setGiven] = useState(NO_CREDENTIAL);
  const isSsh = hostKey !== undefined;
  const isGiven = (isSsh ? given.key : given.token) !== "";
  const keep = useAction(async () => {
    const { repo } = await call("repo_login", isSsh ? { name, key: given.key } : { name, token: given.token });
    knowRepo(repo);
    onDone();
    return `${name} has the ${isSsh ? "key" : "token"}: “fetch now” tries it`;
  }, isGiven);
  const remove = async (): Promise<string> => {
    const { repo } = await call("repo_login", { name });
    knowRepo(repo);
    onDone();
    return `${name} has no ${credential} any more`;
  };
  return (
    <Form
      action={keep}
      submit="keep"
      isWhole={isGiven}
      beside={
        credential !== "none" && (
          <Action kind="no" run={remove}>
            remove the {credential}
          </Action>
        )
      }
    >
      {isSsh ? <KeyFile value={given} set={setGiven} /> : <Token value={given} set={setGiven} />}
      <p className="dim small">The hive keeps it and uses it for this host only. No page, agent, log or backup has it.</p>
    </Form>
  );
}
