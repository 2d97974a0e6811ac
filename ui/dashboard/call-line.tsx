import type { ReactNode } from "react";
import { budgetAmount, budgetLimit } from "../../src/wire/budget-kinds.ts";
import { KIND_WORDS } from "../../src/wire/words.ts";
import { Who } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { STATE_WORDS } from "../lib/approvals.ts";
import { changeName, stateWords } from "../lib/changes.ts";
import { minute, visible } from "../lib/text.ts";
import { callSince, type Call } from "../../src/wire/calls.ts";

/** Maximum characters of a line's text. The style sheet cuts text that does not fit the width. */
const MAX_WORDS = 200;

interface Line {
  label: string;
  what: string;
  colour: string;
  className: string;
  who: string;
  words: string;
  /** Number of danger marks of the request or change. */
  dangers: number;
}

/** A closed card on one line: kind, agent, first words, and how long it has been waiting. */
export function CallLine({ call, onOpen }: { call: Call; onOpen: () => void }): ReactNode {
  const { label, what, colour, className, who, words, dangers } = lineOf(call);
  return (
    <article className={`card line ${className}`} tabIndex={-1} aria-label={visible(label)}>
      <button type="button" aria-expanded={false} onClick={onOpen}>
        <span className={colour}>{what}</span>
        <Who name={who} />
        {dangers > 0 && (
          <span className="red">
            <span aria-hidden="true">⚠ {dangers}</span>
            <span className="sr">{dangers === 1 ? "1 danger mark" : `${dangers} danger marks`}</span>
          </span>
        )}
        <span className="words dim">{visible(words.slice(0, MAX_WORDS))}</span>
        <span className="faint">
          <Age since={callSince(call)} />
        </span>
      </button>
    </article>
  );
}

function lineOf(call: Call): Line {
  if (call.kind === "question") {
    const { id, agent, question } = call.question;
    const what = `question #${id}`;
    return {
      label: `question ${id} of ${agent}`,
      what,
      colour: "mauve",
      className: "q",
      who: agent,
      words: question,
      dangers: 0,
    };
  }
  if (call.kind === "budget") {
    const { agent, limit, used, allowed } = call.over;
    return {
      label: `budget of ${agent ?? "the hive"}`,
      what: "over budget",
      colour: "amber",
      className: "budget",
      who: agent ?? "the whole hive",
      words: `${budgetAmount(limit, used)} used of ${budgetLimit(limit, allowed)}`,
      dangers: 0,
    };
  }
  if (call.kind === "message") {
    const { id, state, from, body = "" } = call.message;
    const isHeld = state === "held";
    return {
      label: `message ${id} is stuck`,
      what: `${isHeld ? "chain held" : "dead message"} #${id}`,
      colour: isHeld ? "amber" : "red",
      className: isHeld ? "" : "wrong",
      who: from,
      words: body,
      dangers: 0,
    };
  }
  if (call.kind === "change") {
    const { id, agent, title, marks, state, merges_at: at } = call.change;
    const name = changeName(call.change);
    return {
      label: `change ${id}: ${name} of ${agent}`,
      what: name,
      colour: "amber",
      className: "change",
      who: agent,
      words:
        at !== undefined
          ? `merges at ${minute(at)} unless you veto: ${title}`
          : state === "proposed"
            ? title
            : stateWords(call.change),
      dangers: marks.filter(({ level }) => level === "danger").length,
    };
  }
  const { id, kind, agent, state, risks, description = "" } = call.approval;
  return {
    label: `request ${id}: ${KIND_WORDS[kind]} for ${agent}`,
    what: `${KIND_WORDS[kind]} #${id}`,
    colour: "amber",
    className: "approval",
    who: agent,
    words: state === "pending" ? description : STATE_WORDS[state].words,
    dangers: risks.filter(({ level }) => level === "danger").length,
  };
}
