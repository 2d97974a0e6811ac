import { useState, type ReactNode } from "react";
import type { QuestionView } from "../../src/wire/agent.ts";
import { call } from "../lib/api.ts";
import { useDraft } from "../lib/draft.ts";
import { answerDraft, sending } from "../lib/unsent.ts";
import { questionStateWord } from "../../src/wire/words.ts";
import { Allowed, AllowedOrWhy, useMay } from "./allowed.tsx";
import { Action, ActionButton, useAction } from "./button.tsx";
import { Confirm } from "./lazy.tsx";
import { visible } from "../lib/text.ts";
import { TextBox } from "./text-box.tsx";
import { Who, Words } from "./text.tsx";
import { Age, Until } from "./time.tsx";

/**
 * An open question: choose an option, write an answer, or both. If it ends while the box has text, the card stays until
 * the text is sent as a message or discarded.
 */
export function QuestionCard({ question: shown }: { question: QuestionView }): ReactNode {
  const [whole, setWhole] = useState<QuestionView>();
  /** The page has the beginning of a long question. Its options can be chosen once they are there whole. */
  const isCut = shown.cut === true && whole === undefined;
  const question = whole ? { ...shown, question: whole.question, options: whole.options } : shown;
  const [chosenDraft, setChosenDraft] = useDraft(`chosen:${question.id}`);
  const [text, setText] = useDraft(answerDraft(question.id));
  const chosen = chosenDraft === "" ? [] : (JSON.parse(chosenDraft) as readonly string[]);
  const setChosen = (next: readonly string[]): void => setChosenDraft(next.length === 0 ? "" : JSON.stringify(next));
  const choose = (option: string, isOn: boolean): void => {
    if (!question.multi) setChosen(isOn ? [option] : []);
    else setChosen(isOn ? [...chosen, option] : chosen.filter((one) => one !== option));
  };
  const clear = (): void => {
    setText("");
    setChosen([]);
  };
  const isAsked = question.state === "open";
  const mayAnswer = useMay("answer");
  const answer = useAction(
    async () => {
      await sending(answerDraft(question.id), () =>
        call("answer", { id: question.id, options: [...chosen], ...(text.trim() ? { text } : {}) }),
      );
      clear();
      return `${question.agent} will get your answer`;
    },
    isAsked && (chosen.length > 0 || text.trim() !== ""),
  );
  const write = useAction(async () => {
    await call("send", { to: question.agent, body: text });
    clear();
    return `sent to ${question.agent} as a message`;
  }, text.trim() !== "");
  return (
    <article className="card q" tabIndex={-1} aria-label={`question ${question.id} of ${question.agent}`}>
      <div>
        <span className="mauve">question #{question.id}</span> · <Who name={question.agent} />{" "}
        <span className="dim">
          {question.state !== "open" ? (
            <span className="amber">
              {question.state === "answered" ? "answered elsewhere" : questionStateWord(question.state)}
              {question.closed_by !== undefined && ` by ${visible(question.closed_by)}`}; yours was not sent
            </span>
          ) : question.expires_at ? (
            <>
              expires in <Until at={question.expires_at} />
            </>
          ) : (
            <>
              <Age since={question.asked_at} /> ago
            </>
          )}
        </span>
        <p className="body">
          <Words text={question.question} />
        </p>
        {isCut && (
          <Action
            kind="ghost"
            title={question.options.length > 0 ? "the options can be chosen then" : "the page has its beginning"}
            run={async () => setWhole((await call("question", { id: shown.id })).question)}
          >
            show all {shown.bytes ?? ""} bytes of the question
          </Action>
        )}
      </div>
      {question.options.length > 0 && (
        <fieldset className="options">
          <legend className="sr">{question.multi ? "choose any" : "choose one"}</legend>
          {question.options.map((option, n) => (
            <label key={n}>
              <input
                type={question.multi ? "checkbox" : "radio"}
                name={`question-${question.id}`}
                checked={chosen.includes(option)}
                disabled={question.state !== "open" || isCut || !mayAnswer}
                onChange={(event) => choose(option, event.target.checked)}
              />
              <span>
                <Words text={option} />
              </span>
            </label>
          ))}
        </fieldset>
      )}
      <AllowedOrWhy to="answer">
        <div className="foot">
          <TextBox
            rows={1}
            value={text}
            aria-label="your own words"
            placeholder={question.options.length > 0 ? "or in your own words…" : "your answer…"}
            onText={setText}
            onEnter={isAsked ? answer.act : write.act}
          />
          {isAsked ? (
            <>
              <ActionButton kind="go" disabled={chosen.length === 0 && text.trim() === ""} action={answer}>
                answer
              </ActionButton>
              <Allowed to="question_cancel">
                <CloseQuestion question={question} />
              </Allowed>
            </>
          ) : (
            <>
              <ActionButton kind="go" disabled={text.trim() === ""} action={write}>
                send as a message
              </ActionButton>
              <button type="button" className="ghost" onClick={clear}>
                discard
              </button>
            </>
          )}
        </div>
      </AllowedOrWhy>
    </article>
  );
}

/** Closes a question without an answer, after a confirmation: it cannot be opened again. */
function CloseQuestion({ question: { id, agent } }: { question: QuestionView }): ReactNode {
  const [isAsked, setAsked] = useState(false);
  const close = async (): Promise<string> => {
    await sending(answerDraft(id), () => call("question_cancel", { id }));
    return `question #${id} is closed without an answer`;
  };
  return (
    <>
      <button type="button" className="ghost" onClick={() => setAsked(true)}>
        close…
      </button>
      <Confirm
        isOpen={isAsked}
        onClose={() => setAsked(false)}
        title={`close question #${id} without an answer?`}
        words={`It cannot be opened again. ${agent} is notified.`}
      >
        <Action kind="no" run={close}>
          close
        </Action>
      </Confirm>
    </>
  );
}
