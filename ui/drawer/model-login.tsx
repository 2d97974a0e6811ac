import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import type { CredentialSource, LoginStarted } from "../../src/wire/model-login.ts";
import { AllowedOrWhy } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { Sheet } from "../kit/dialog.tsx";
import { PlanBars } from "../kit/plan-bars.tsx";
import { Steps } from "../kit/steps.tsx";
import { Minute } from "../kit/time.tsx";
import { CopyField } from "../kit/copy-field.tsx";
import { ApiError, call } from "../lib/api.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

/** The log-in that this page has begun. It outlives the dialog: the code may be found elsewhere. */
let begun: LoginStarted | undefined;

/** Where a credential comes from that comes before a log-in. */
const FIRST: Partial<Record<CredentialSource, string>> = {
  environment: "the daemon’s environment (ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN)",
  file: "a credential file",
  rehearsal: "nowhere: HIVE_REHEARSAL=1 makes it rehearse",
};

/** Logs the hive in to the model with a Claude subscription, and out of it. */
export function ModelLogin({ onClose }: { onClose: () => void }): ReactNode {
  const { source, by, at } = useHive((state) => state.hive.credential);
  const plan = useHive((state) => state.hive.plan);
  const isRefused = useHive((state) => [...state.agents.values()].some((agent) => agent.needs_login));
  // Decided once: a log-in that ends here shows its end.
  const [isManaged, setManaged] = useState(source === "login" && begun === undefined && !isRefused);
  const first = FIRST[source];
  return (
    <Sheet isOpen onClose={onClose} title="log in to the model">
      {plan && <PlanBars plan={plan} />}
      {first !== undefined ? (
        <p className="dim">
          The hive’s credential comes from {first}. That comes before a log-in: restart the daemon without it, then log in here.
        </p>
      ) : isManaged ? (
        <>
          <p>
            The hive is logged in{by === undefined ? "" : ` by ${visible(by)}`}
            {at === undefined ? "" : `, since ${visible(at.slice(0, 10))}`}.
          </p>
          <AllowedOrWhy to="model_login_start">
            <div className="foot">
              <button type="button" onClick={() => setManaged(false)}>
                log in again
              </button>
              <Action kind="no" run={() => logOut().finally(onClose)}>
                log out
              </Action>
            </div>
          </AllowedOrWhy>
          <p className="dim small">
            After a log-out the hive rehearses. The token stays valid until you revoke it at{" "}
            <a href="https://claude.ai/settings/claude-code" target="_blank" rel="noreferrer">
              claude.ai/settings/claude-code
            </a>
            .
          </p>
        </>
      ) : (
        <AllowedOrWhy to="model_login_start">
          <Flow onClose={onClose} />
        </AllowedOrWhy>
      )}
    </Sheet>
  );
}

async function logOut(): Promise<string> {
  await call("model_logout", {});
  return "logged out of the model: the hive rehearses";
}

const wordsOf = (problem: unknown): string => (problem instanceof ApiError ? problem.message : "That did not work. Try again.");

/** The three steps of a log-in. */
function Flow({ onClose }: { onClose: () => void }): ReactNode {
  const [started, setStarted] = useState(begun);
  const [isDone, setDone] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const [hasRival, setRival] = useState(false);
  const steps = useRef<HTMLDivElement>(null);
  const know = (next: LoginStarted | undefined): void => {
    // The focused part is about to go. The dialog would take the focus away from the next one.
    steps.current?.focus();
    setStarted((begun = next));
  };
  const run = async (step: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await step();
    } catch (problem) {
      setError(wordsOf(problem));
      know(undefined);
      setRival(problem instanceof ApiError && problem.code === "conflict");
    } finally {
      setBusy(false);
    }
  };
  const begin = (): Promise<void> =>
    run(async () => {
      know(await call("model_login_start", { again: hasRival }));
      setRival(false);
    });
  const finish = (login: string, code: string): Promise<void> =>
    run(async () => {
      await call("model_login_finish", { login, code });
      know(undefined);
      setDone(true);
    });
  const cancel = async (login: string): Promise<void> => {
    know(undefined);
    await call("model_login_cancel", { login });
  };
  return (
    <div ref={steps} className="form" tabIndex={-1}>
      <div className="way">
        <Steps steps={["open the address", "give the code", "logged in"]} at={isDone ? 2 : started ? 1 : 0} label="log-in" />
      </div>
      {isDone ? (
        <Done onClose={onClose} />
      ) : started ? (
        <GiveCode
          started={started}
          isBusy={isBusy}
          onCode={(code) => void finish(started.login, code)}
          onCancel={() => cancel(started.login)}
        />
      ) : (
        <>
          <p className="dim">
            For a Claude Pro or Max subscription. Claude Code makes an address, in a cage of its own. You approve there and bring
            back a code. The daemon keeps the token; no agent sees it.
          </p>
          <div className="foot">
            <button type="button" className="go" disabled={isBusy} aria-busy={isBusy} onClick={() => void begin()}>
              {isBusy && <span className="spinner" aria-hidden="true" />}
              {hasRival ? "cancel it and begin anew" : "get the address"}
            </button>
          </div>
        </>
      )}
      {error !== undefined && (
        <p className="red" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

interface GiveCodeProps {
  started: LoginStarted;
  isBusy: boolean;
  onCode: (code: string) => void;
  onCancel: () => Promise<void>;
}

/** The address of the provider's page, and the field for the code that it shows. */
function GiveCode({ started: { url, expires_at: end }, isBusy, onCode, onCancel }: GiveCodeProps): ReactNode {
  const [code, setCode] = useState("");
  const open = useRef<HTMLAnchorElement>(null);
  useEffect(() => open.current?.focus(), []);
  return (
    <form
      className="form"
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        onCode(code.trim());
      }}
    >
      <CopyField label="address" text={url} copied="the address is copied">
        {url.startsWith("https://") && (
          <a ref={open} className="ghost" href={url} target="_blank" rel="noreferrer">
            open it
          </a>
        )}
      </CopyField>
      <label className="field">
        the code that the page shows
        <input
          value={code}
          onChange={(event) => setCode(event.target.value)}
          required
          maxLength={1024}
          pattern="\s*[\w.~\-]+#[\w.~\-]+\s*"
          title="all that the page shows, with the # in it"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
      </label>
      <div className="foot">
        <button type="submit" className="go" disabled={isBusy} aria-busy={isBusy}>
          {isBusy && <span className="spinner" aria-hidden="true" />}log in
        </button>
        <Action kind="ghost" run={onCancel}>
          cancel
        </Action>
      </div>
      <p className="dim small">
        You may close this and come back until <Minute at={end} />.
      </p>
    </form>
  );
}

function Done({ onClose }: { onClose: () => void }): ReactNode {
  const close = useRef<HTMLButtonElement>(null);
  const upstream = useHive((state) => state.hive.upstream);
  useEffect(() => close.current?.focus(), []);
  return (
    <>
      <p role="status">
        <span className="green">Logged in.</span> Model requests go to {visible(upstream)} from now on. Agents that needed a login
        go on.
      </p>
      <div className="foot">
        <button ref={close} type="button" className="go" onClick={onClose}>
          done
        </button>
      </div>
    </>
  );
}
