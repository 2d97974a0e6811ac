import { Allowed, AllowedOrWhy } from "../kit/allowed.tsx";
import { useRef, useState, type FormEvent, type ReactNode } from "react";
import { Sheet } from "../kit/dialog.tsx";
import { TextBox } from "../kit/text-box.tsx";
import { toast } from "../kit/toast.tsx";
import { ApiError, call } from "../lib/api.ts";
import { useDraft } from "../lib/draft.ts";
import { RepoPicker, type PickedRepos } from "./repo-picker.tsx";

/** Requests an agent. The operator can review the request before approving it, or spawn at once. */
export function SpawnForm({ onClose }: { onClose: () => void }): ReactNode {
  const [name, setName] = useDraft("spawn:name");
  const [description, setDescription] = useDraft("spawn:description");
  const [reposDraft, setReposDraft] = useDraft("spawn:repos");
  const picked = reposDraft === "" ? {} : (JSON.parse(reposDraft) as PickedRepos);
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState<"request" | "spawn">();
  const first = useRef<HTMLInputElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const submit = async (how: "request" | "spawn"): Promise<void> => {
    setBusy(how);
    setError(undefined);
    const input = { name: name.trim(), ...(description.trim() ? { description: description.trim() } : {}) };
    try {
      const repos = Object.entries(picked).map(([repo, access]) => ({ name: repo, access }));
      if (how === "spawn") {
        await call("spawn", { ...input, ...(repos.length > 0 ? { config: { repos } } : {}) });
        toast(`${input.name} runs`);
      } else {
        const { request } = await call("request_spawn", { ...input, ...(repos.length > 0 ? { repos } : {}) });
        toast(`request ${request} waits for you`);
      }
      setName("");
      setDescription("");
      setReposDraft("");
      onClose();
    } catch (problem) {
      setError(problem instanceof ApiError ? problem.message : "The request was not sent. Try again.");
    } finally {
      setBusy(undefined);
    }
  };
  return (
    <Sheet isOpen onClose={onClose} title="request an agent" first={first}>
      <form
        ref={form}
        className="form"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          void submit("request");
        }}
      >
        <label className="field">
          name
          <input
            ref={first}
            value={name}
            onChange={(event) => setName(event.target.value)}
            placeholder="scout"
            required
            maxLength={32}
            pattern="[a-z]([a-z0-9\-]*[a-z0-9])?"
            title="a-z, 0-9 and -, beginning with a letter"
            autoComplete="off"
            spellCheck={false}
          />
        </label>
        <label className="field">
          what it is for
          <TextBox
            rows={3}
            value={description}
            onText={setDescription}
            onEnter={() => form.current?.requestSubmit()}
            placeholder="looks things up and writes short reports"
          />
        </label>
        <RepoPicker picked={picked} pick={(next) => setReposDraft(Object.keys(next).length === 0 ? "" : JSON.stringify(next))} />
        {error !== undefined && (
          <p className="red" role="alert">
            {error}
          </p>
        )}
        <AllowedOrWhy to="request_spawn">
          <div className="foot">
            <button type="submit" className="go" disabled={busy !== undefined} aria-busy={busy === "request"}>
              {busy === "request" && <span className="spinner" aria-hidden="true" />}◆ <span aria-label="request">R3QUEST</span>
            </button>
            <Allowed to="spawn">
              <button type="button" disabled={busy !== undefined || name.trim() === ""} onClick={() => void submit("spawn")}>
                {busy === "spawn" && <span className="spinner" aria-hidden="true" />}spawn at once
              </button>
            </Allowed>
            <span className="dim small">a request shows its config before it runs</span>
          </div>
        </AllowedOrWhy>
      </form>
    </Sheet>
  );
}
