import { useCallback, useState, type ReactNode } from "react";
import { limitWords, parseLimit } from "../../src/wire/budget-amount.ts";
import { budgetLimit, type BudgetKind } from "../../src/wire/budget-kinds.ts";
import { OPERATOR } from "../../src/wire/roles.ts";
import { useAction, type Act } from "../kit/button.tsx";
import { Form } from "../kit/form.tsx";
import { call } from "../lib/api.ts";
import { openChanges } from "../lib/changes.ts";
import { useFetched } from "../lib/fetched.ts";
import { KIND_WORDS, kindsOf, subjectKey, subjectOf, subjectWords, type Subject } from "../lib/limits.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

/** Sets a limit that a text gives. It may be sent while the text is an amount of this limit. */
export function useSetLimit(
  subject: Subject,
  kind: BudgetKind,
  text: string,
  onSet: () => Promise<void>,
): { action: Act; isWhole: boolean } {
  const amount = parseLimit(kind, text.trim());
  const isWhole = amount !== undefined;
  const action = useAction(async () => {
    if (amount === undefined) return;
    await call("budget_set", { ...subject, limits: { [kind]: amount }, remove: [] });
    await onSet();
    return `${visible(subjectWords(subject))}: ${budgetLimit(kind, amount)}`;
  }, isWhole);
  return { action, isWhole };
}

interface AmountFieldProps {
  kind: BudgetKind;
  text: string;
  set: (text: string) => void;
}

/** The field for the amount of a limit. It says what it takes while it has something else. */
export function AmountField({ kind, text, set }: AmountFieldProps): ReactNode {
  const isWrong = text.trim() !== "" && parseLimit(kind, text.trim()) === undefined;
  return (
    <label className="field">
      {KIND_WORDS[kind]}
      <input
        value={text}
        onChange={(event) => set(event.target.value)}
        inputMode="decimal"
        maxLength={24}
        autoComplete="off"
        aria-invalid={isWrong}
      />
      {isWrong && <span className="red small">{limitWords(kind)}</span>}
    </label>
  );
}

/** Sets any limit of any subject. */
export function SetLimit({ of, onSet }: { of: Subject | undefined; onSet: () => Promise<void> }): ReactNode {
  const [chosen, setChosen] = useState(subjectKey(of ?? { scope: "hive" }));
  const [kind, setKind] = useState<BudgetKind>("cost_per_day_usd");
  const [text, setText] = useState("");
  const subjects = useSubjects(of);
  const subject = subjectOf(chosen) ?? { scope: "hive" };
  const kinds = kindsOf(subject);
  const fitting = kinds.includes(kind) ? kind : (kinds[0] ?? kind);
  const { action, isWhole } = useSetLimit(subject, fitting, text, async () => {
    setText("");
    await onSet();
  });
  return (
    <section className="limits" aria-labelledby="set-a-limit">
      <h3 id="set-a-limit">set a limit</h3>
      <Form
        action={action}
        submit="set"
        isWhole={isWhole}
        beside={<span className="dim small">it counts at once, and comes before agent.json</span>}
      >
        <label className="field">
          of
          <select value={chosen} onChange={(event) => setChosen(event.target.value)}>
            {subjects.map((one) => (
              <option key={subjectKey(one)} value={subjectKey(one)}>
                {visible(subjectWords(one))}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          limit
          <select value={fitting} onChange={(event) => setKind(event.target.value as BudgetKind)}>
            {kinds.map((one) => (
              <option key={one} value={one}>
                {KIND_WORDS[one]}
              </option>
            ))}
          </select>
        </label>
        <AmountField kind={fitting} text={text} set={setText} />
      </Form>
    </section>
  );
}

/** Everything that can have a limit. */
function useSubjects(of: Subject | undefined): readonly Subject[] {
  const agents = useHive((state) => state.agents);
  const changes = useHive((state) => state.changes);
  const { value } = useFetched(useCallback(() => call("credentials", {}), []));
  const all: Subject[] = [
    { scope: "hive" },
    { scope: "default" },
    ...[...agents.values()].flatMap((one): Subject[] => (one.destroyed ? [] : [{ scope: "agent", agent: one.name }])),
    ...(value?.credentials ?? []).map((one): Subject => ({ scope: "credential", credential: one.name })),
    ...openChanges({ changes }).flatMap((one): Subject[] =>
      one.agent === OPERATOR ? [] : [{ scope: "change", change: one.id }],
    ),
  ];
  // What the address names stays a choice until all are known.
  return of === undefined || all.some((one) => subjectKey(one) === subjectKey(of)) ? all : [...all, of];
}
