import { AllowedOrWhy, useMay } from "../kit/allowed.tsx";
import { useState, type FormEvent, type ReactNode } from "react";
import type { CheckOn, ForgeKind, ForgeText, MergeMethod, MergePolicy, PushRule, RepoView } from "../../src/wire/work.ts";
import { TextBox } from "../kit/text-box.tsx";
import { toast } from "../kit/toast.tsx";
import { ApiError, call } from "../lib/api.ts";
import { useDraft } from "../lib/draft.ts";
import { knowRepo } from "../lib/store.ts";
import { visible } from "../lib/text.ts";
import { changedSettings, fieldsOf, type Fields } from "./settings-form.ts";

const METHODS: Record<MergeMethod, string> = {
  merge: "merge commit",
  squash: "squash into one commit",
  rebase: "rebase every commit",
};
const POLICIES: Record<MergePolicy, string> = {
  operator: "you approve every change",
  reviewed: "a reviewer approves, you may veto",
  checks: "every change whose check is green",
};

const MOMENTS: Record<CheckOn, string> = {
  merge: "when a change is merged",
  propose: "also when it is proposed, before you decide",
};

const PUSHES: Record<PushRule, string> = {
  never: "never: the hive only reads it",
  "after-merge": "after each merge, as hive/<base>",
};

const REMOTE_PUSHES: Record<PushRule, string> = {
  never: "never: the hive only reads it",
  "after-merge": "each merge, to its base: it counts only if the host takes it",
};

const FORGES: Record<ForgeKind, string> = {
  none: "here, by the merge queue",
  github: "on GitHub: a pull request for each",
  forgejo: "on Forgejo or Gitea: a pull request for each",
};

const TEXTS: Record<ForgeText, string> = {
  inert: "do nothing: no one is notified, nothing is closed",
  "as-written": "count as the agent wrote them",
};

/** The settings of a repository as a form. Fields that you have not touched follow the repository. */
export function Settings({ repo }: { repo: RepoView }): ReactNode {
  const [draft, setDraft] = useDraft(`repo-settings:${repo.name}`);
  const typed = draft === "" || repo.declared !== undefined ? {} : (JSON.parse(draft) as Partial<Fields>);
  const fields: Fields = { ...fieldsOf(repo), ...typed };
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const changed = changedSettings(repo, fields);
  const maySet = useMay("repo_set") && repo.declared === undefined;
  const isChanged = Object.keys(changed).length > 0;
  const set = (next: Partial<Fields>): void => setDraft(JSON.stringify({ ...typed, ...next }));
  const save = async (): Promise<void> => {
    if (!isChanged || isBusy || !maySet) return;
    setBusy(true);
    setError(undefined);
    try {
      const { repo: now } = await call("repo_set", { name: repo.name, ...changed });
      knowRepo(now);
      setDraft("");
      toast(`the settings of ${repo.name} are saved`);
    } catch (problem) {
      setError(problem instanceof ApiError ? problem.message : "The settings were not saved. Try again.");
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="part" aria-label="settings">
      <h2 aria-label="settings">S3TT1NGS</h2>
      <form
        className="form"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          void save();
        }}
      >
        <fieldset className="form" disabled={!maySet}>
          <Text
            label="setup: makes a fresh clone ready to build"
            value={fields.setup}
            set={(setup) => set({ setup })}
            save={save}
          />
          <Text
            label="check: a change is merged if it ends with 0"
            value={fields.check}
            set={(check) => set({ check })}
            save={save}
            placeholder="npm ci && npm test"
          />
          <Text
            label="hosts that setup and check reach, or npm, pypi, crates, go, maven, github for theirs"
            value={fields.egress}
            set={(egress) => set({ egress })}
            save={save}
            placeholder="registry.example.org"
          />
          <Choice
            label="when the check runs"
            value={fields.check_on}
            words={MOMENTS}
            set={(moment) => set({ check_on: moment })}
          />
          <Choice label="how changes are merged" value={fields.merge} words={METHODS} set={(merge) => set({ merge })} />
          <Choice label="who decides" value={fields.policy} words={POLICIES} set={(policy) => set({ policy })} />
          <Text
            label="reviewers: agents, separated by commas"
            value={fields.reviewers}
            set={(reviewers) => set({ reviewers })}
            save={save}
          />
          <Text
            label="protected paths that only you approve, one in a line"
            value={fields.protected}
            set={(paths) => set({ protected: paths })}
            save={save}
            placeholder="deploy/**"
          />
          <Text
            label="author of the agents’ commits; empty: each agent"
            value={fields.author}
            set={(author) => set({ author })}
            save={save}
            placeholder="Name <mail@example.org>"
          />
          {repo.upstream !== undefined && (
            <Choice
              label="writes to what it follows"
              value={fields.push}
              words={repo.remote === undefined ? PUSHES : REMOTE_PUSHES}
              set={(push) => set({ push })}
            />
          )}
          {repo.remote !== undefined && (
            <>
              <Choice
                label="where approved changes are merged"
                value={fields.forge}
                words={FORGES}
                // The other host merges, so nothing is pushed to its bases.
                set={(forge) => set(forge === "none" ? { forge } : { forge, push: "never" })}
              />
              {fields.forge !== "none" && (
                <Choice
                  label="mentions and issues in pull requests"
                  value={fields.forge_text}
                  words={TEXTS}
                  set={(text) => set({ forge_text: text })}
                />
              )}
            </>
          )}
          <Base repo={repo} value={fields.base} set={(base) => set({ base })} />
        </fieldset>
        {error !== undefined && (
          <p className="red" role="alert">
            {error}
          </p>
        )}
        {repo.declared !== undefined ? (
          <DeclaredNote option={repo.declared} />
        ) : (
          <AllowedOrWhy to="repo_set">
            <div className="foot">
              <button type="submit" className="go" disabled={!isChanged || isBusy} aria-busy={isBusy}>
                {isBusy && <span className="spinner" aria-hidden="true" />}save
              </button>
              {isChanged && (
                <button type="button" className="ghost" onClick={() => setDraft("")}>
                  discard
                </button>
              )}
            </div>
          </AllowedOrWhy>
        )}
      </form>
    </section>
  );
}

/** Where the settings are declared. */
function DeclaredNote({ option }: { option: string }): ReactNode {
  return (
    <p className="dim small">
      Declared in the host’s configuration, as <code>{visible(option)}</code>: change it there, and rebuild the system.
    </p>
  );
}

interface TextProps {
  label: string;
  value: string;
  set: (next: string) => void;
  save: () => Promise<void>;
  placeholder?: string;
}

function Text({ label, value, set, save, placeholder }: TextProps): ReactNode {
  return (
    <label className="field">
      {label}
      <TextBox rows={1} value={value} onText={set} onEnter={() => void save()} placeholder={placeholder} spellCheck={false} />
    </label>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  words: Record<T, string>;
  set: (next: T) => void;
}

function Choice<T extends string>({ label, value, words, set }: ChoiceProps<T>): ReactNode {
  return (
    <label className="field">
      {label}
      <select value={value} onChange={(event) => set(event.target.value as T)}>
        {(Object.keys(words) as T[]).map((one) => (
          <option key={one} value={one}>
            {words[one]}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The base that a change has unless it names another one. */
function Base({ repo, value, set }: { repo: RepoView; value: string; set: (next: string) => void }): ReactNode {
  const names = [...new Set([value, ...repo.bases.map(({ name }) => name)])];
  return (
    <label className="field">
      base, unless a change names another one
      <select value={value} onChange={(event) => set(event.target.value)}>
        {names.map((name) => (
          <option key={name} value={name}>
            {visible(name)}
          </option>
        ))}
      </select>
    </label>
  );
}
