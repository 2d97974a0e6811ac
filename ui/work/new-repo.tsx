import { AllowedOrWhy } from "../kit/allowed.tsx";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState, type FormEvent, type ReactNode } from "react";
import { Sheet } from "../kit/dialog.tsx";
import { Hivectl } from "../kit/hivectl.tsx";
import { toast } from "../kit/toast.tsx";
import { ApiError, call } from "../lib/api.ts";
import { useDraft } from "../lib/draft.ts";
import { knowRepo } from "../lib/store.ts";

/** Creates an empty repository. One that exists on the host is added in a terminal: a page names no folders of the host. */
export function NewRepo({ onClose }: { onClose: () => void }): ReactNode {
  const [name, setName] = useDraft("repo:name");
  const [base, setBase] = useDraft("repo:base", "main");
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  const navigate = useNavigate();
  const submit = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      const { repo } = await call("repo_create", { name: name.trim(), base: base.trim() });
      knowRepo(repo);
      setName("");
      setBase("main");
      toast(`repository ${repo.name} is created`);
      await navigate({ to: "/work/$repo", params: { repo: repo.name } });
    } catch (problem) {
      setError(problem instanceof ApiError ? problem.message : "The repository was not created. Try again.");
      setBusy(false);
    }
  };
  return (
    <Sheet isOpen onClose={onClose} title="create a repository" first={first}>
      <form
        className="form"
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
            onChange={(event) => setName(event.target.value)}
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
          base: the branch that changes are merged into
          <input
            value={base}
            onChange={(event) => setBase(event.target.value)}
            required
            maxLength={120}
            autoComplete="off"
            spellCheck={false}
          />
        </label>
        {error !== undefined && (
          <p className="red" role="alert">
            {error}
          </p>
        )}
        <AllowedOrWhy to="repo_create">
          <div className="foot">
            <button type="submit" className="go" disabled={isBusy} aria-busy={isBusy}>
              {isBusy && <span className="spinner" aria-hidden="true" />}create
            </button>
          </div>
        </AllowedOrWhy>
        <p className="dim small">
          A repository that you have is added in a terminal: <Hivectl>repo add web ~/src/web</Hivectl>
        </p>
      </form>
    </Sheet>
  );
}
