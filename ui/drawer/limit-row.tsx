import { useState, type ReactNode } from "react";
import { parseAmount } from "../../src/wire/budget-amount.ts";
import { budgetAmount, isCost, isOfChange, usualRaise } from "../../src/wire/budget-kinds.ts";
import type { BudgetRow, OverBudget } from "../../src/wire/budget.ts";
import type { Input } from "../../src/wire/operations.ts";
import { Allowed } from "../kit/allowed.tsx";
import { Action, useAction } from "../kit/button.tsx";
import { Form } from "../kit/form.tsx";
import { Minute } from "../kit/time.tsx";
import { call } from "../lib/api.ts";
import { isOwn, rowWords, subjectOfRow, subjectWords } from "../lib/limits.ts";
import { visible } from "../lib/text.ts";
import { AmountField, useSetLimit } from "./set-limit.tsx";

const FROM: Readonly<Record<BudgetRow["from"], string>> = {
  operator: "set by an operator",
  config: "from agent.json",
  default: "the default",
};

interface LimitRowProps {
  row: BudgetRow;
  all: readonly BudgetRow[];
  /** It is reached. */
  over: OverBudget | undefined;
  isOpen: boolean;
  onOpen: (isOpen: boolean) => void;
  onDone: () => Promise<void>;
}

/** One limit: how it stands, and the forms that change it, raise it and lift it. */
export function LimitRow({ row, all, over, isOpen, onOpen, onDone }: LimitRowProps): ReactNode {
  const { limit, allowed, extra = 0, used, from, lifted, resets_at: resets } = row;
  const isReached = used !== undefined && lifted !== true && used >= allowed + extra;
  const done = async (): Promise<void> => {
    onOpen(false);
    await onDone();
  };
  return (
    <li>
      <div className="limit">
        <span className="words">
          <b>{rowWords(row)}</b>
          <div className="dim small">
            {used !== undefined && <span className={isReached ? "amber" : ""}>{budgetAmount(limit, used)} used · </span>}
            {FROM[from]}
            {lifted === true && ` · no limit ${isOfChange(limit) ? "for this change" : "until midnight"}`}
            {over?.stopped_by !== undefined && ` · left stopped by ${visible(over.stopped_by)}`}
            {resets !== undefined && (
              <>
                {" "}
                · anew at <Minute at={resets} />
              </>
            )}
          </div>
        </span>
        <Allowed to="budget_set">
          <button type="button" className="ghost" aria-expanded={isOpen} onClick={() => onOpen(!isOpen)}>
            change
            <span className="sr">
              {" "}
              {rowWords(row)} of {visible(subjectWords(subjectOfRow(row)))}
            </span>
          </button>
        </Allowed>
      </div>
      {used !== undefined && (
        <meter
          aria-label={`used of ${rowWords(row)}`}
          min={0}
          max={1}
          high={0.8}
          optimum={0}
          value={Math.min(1, used / (allowed + extra))}
        />
      )}
      {isOpen && (
        <div className="form limit-forms">
          <Change row={row} mayRemove={isOwn(row, all)} onDone={done} />
          {used !== undefined && (
            <Decide row={row} isStopped={over?.stopped_by !== undefined} isReached={isReached} onDone={done} />
          )}
        </div>
      )}
    </li>
  );
}

/** Sets the limit to another amount, or removes it. */
function Change({ row, mayRemove, onDone }: { row: BudgetRow; mayRemove: boolean; onDone: () => Promise<void> }): ReactNode {
  const [text, setText] = useState(String(row.allowed));
  const subject = subjectOfRow(row);
  const { action, isWhole } = useSetLimit(subject, row.limit, text, onDone);
  const remove = async (): Promise<string> => {
    await call("budget_set", { ...subject, limits: {}, remove: [row.limit] });
    await onDone();
    return `${rowWords(row)} of ${subjectWords(subject)} is removed`;
  };
  return (
    <Form
      label={`set ${rowWords(row)} of ${visible(subjectWords(subject))}`}
      action={action}
      submit="set"
      isWhole={isWhole}
      beside={
        mayRemove && (
          <Action kind="no" run={remove}>
            remove
          </Action>
        )
      }
    >
      <AmountField kind={row.limit} text={text} set={setText} />
    </Form>
  );
}

interface DecideProps {
  row: BudgetRow;
  isReached: boolean;
  isStopped: boolean;
  onDone: () => Promise<void>;
}

/** Adds to the limit for its running period, lifts it, or leaves stopped what it stops. */
function Decide({ row, isReached, isStopped, onDone }: DecideProps): ReactNode {
  const { limit, scope } = row;
  const [text, setText] = useState(String(usualRaise(limit, row.allowed)));
  const by = parseAmount(text.trim());
  const subject = subjectOfRow(row);
  const answer = async (given: Input<"budget_answer">["answer"], words: string): Promise<string> => {
    if (subject.scope === "default") return "";
    await call("budget_answer", { ...subject, limit, answer: given, ...(given === "raise" ? { by } : {}) });
    await onDone();
    return words;
  };
  const whose = `${rowWords(row)} of ${visible(subjectWords(subject))}`;
  const raise = useAction(() => answer("raise", `${budgetAmount(limit, by ?? 0)} more is allowed`), by !== undefined);
  const isForChange = scope === "change";
  return (
    <Form
      label={`raise ${whose}`}
      action={raise}
      submit="add"
      isWhole={by !== undefined}
      beside={
        <>
          {row.lifted !== true && (
            <Action
              kind="ghost"
              run={() => answer("lift", `${whose} does not count ${isForChange ? "for this change" : "until midnight"}`)}
            >
              {isForChange ? "no limit for this change" : "no limit until midnight"}
            </Action>
          )}
          {isReached && !isStopped && (
            <Action kind="no" run={() => answer("stop", "it waits")}>
              stop
            </Action>
          )}
        </>
      }
    >
      <label className="field">
        {`add for ${isForChange ? "this change" : PERIOD_WORDS[periodOf(row)]}${isCost(limit) ? ", in US dollars" : ""}`}
        <input
          value={text}
          onChange={(event) => setText(event.target.value)}
          inputMode="decimal"
          maxLength={24}
          autoComplete="off"
        />
      </label>
    </Form>
  );
}

const PERIOD_WORDS = { day: "the running day", hour: "the running hour", turn: "the running turn" } as const;
function periodOf({ limit }: BudgetRow): keyof typeof PERIOD_WORDS {
  if (limit.includes("_per_turn")) return "turn";
  return limit.includes("_per_hour") ? "hour" : "day";
}
