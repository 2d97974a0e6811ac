import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState, type PointerEvent, type ReactNode } from "react";
import { ApprovalCard } from "../approval/card.tsx";
import { Action } from "../kit/button.tsx";
import { Empty, Panel } from "../kit/panel.tsx";
import { QuestionCard } from "../kit/question-card.tsx";
import { loadMoreQuestions, loadMoreStuck, useHive } from "../lib/store.ts";
import { useShownApprovals, useShownChanges, useShownQuestions } from "../lib/unsent.ts";
import { stuckMessages, undecided } from "../lib/waiting.ts";
import { BudgetCard } from "./budget-card.tsx";
import { CallLine } from "./call-line.tsx";
import { callKey, inOrder, withoutMoving, type Call } from "../../src/wire/calls.ts";
import { Guide } from "./guide.tsx";
import { ChangeCard } from "./change-card.tsx";
import { StuckCard } from "./stuck-card.tsx";

/**
 * What only the operator can do: decide on requests, changes and budgets, answer questions, and move stuck messages. Cards that block an
 * agent come first. One card is open, the others are a line each. The address names the open card.
 */
export function YourCall(): ReactNode {
  const { calls, hold } = useCalls();
  const moreQuestions = useHive((state) => state.moreQuestions);
  const moreStuck = useHive((state) => state.moreStuck);
  const { card } = useSearch({ from: "/" });
  const list = useRef<HTMLDivElement>(null);
  const open = useOpen(calls, card);
  const navigate = useNavigate();
  const show = (key: string): void => void navigate({ to: "/", search: (search) => ({ ...search, card: key }), replace: true });
  const isOpening = useRef(true);
  /** The card that the guide opened. It does not take the focus. */
  const led = useRef<string>(undefined);
  const onLead = useCallback((key: string): void => {
    led.current = key;
  }, []);
  useEffect(() => {
    const wasOpening = isOpening.current;
    isOpening.current = false;
    const isLed = card !== undefined && led.current === card;
    if (isLed) led.current = undefined;
    const at = card === undefined ? null : list.current?.querySelector<HTMLElement>(`[data-call="${CSS.escape(card)}"]`);
    if (!at || !list.current) return;
    at.scrollIntoView({ block: "nearest" });
    if (at.offsetHeight > list.current.clientHeight) at.scrollIntoView({ block: "start" });
    // The focused line has become the card, so move the focus there. Never take it from a text box.
    if (!wasOpening && !isLed && document.activeElement === document.body)
      at.querySelector<HTMLElement>(".card")?.focus({ preventScroll: true });
  }, [card]);
  const nothing = calls.length === 0;
  return (
    <Panel
      leet="Y3R C4LL"
      label="your call: what waits for you"
      note="what waits for you"
      className={nothing ? "" : "fill"}
      actions={
        <Link to="/history" className="dim">
          history
        </Link>
      }
    >
      <div ref={list} className="scroll calls" {...hold}>
        <Guide calls={calls.map(callKey)} onLead={onLead} />
        {nothing && (
          <Empty>
            Nothing waits for you. Requests and changes to approve, questions of agents, and messages that cannot be delivered
            appear here, and budgets that are used up.
          </Empty>
        )}
        {calls.map((call) => {
          const key = callKey(call);
          return (
            <div key={key} data-call={key}>
              {key === open ? <Card call={call} /> : <CallLine call={call} onOpen={() => show(key)} />}
            </div>
          );
        })}
        {moreQuestions && (
          <Action kind="ghost" run={loadMoreQuestions}>
            more questions
          </Action>
        )}
        {moreStuck && (
          <Action kind="ghost" run={loadMoreStuck}>
            older stuck messages
          </Action>
        )}
      </div>
    </Panel>
  );
}

function Card({ call }: { call: Call }): ReactNode {
  if (call.kind === "request") return <ApprovalCard approval={call.approval} />;
  if (call.kind === "change") return <ChangeCard change={call.change} />;
  if (call.kind === "budget") return <BudgetCard over={call.over} />;
  return call.kind === "question" ? <QuestionCard question={call.question} /> : <StuckCard message={call.message} />;
}

/**
 * Everything that waits, in order, and the list's event handlers. The order is held while the pointer or the focus is
 * in the list, so that nothing moves under it, until a card leaves.
 */
function useCalls() {
  const questions = useShownQuestions(useHive((state) => state.questions));
  const approvals = useShownApprovals(useHive((state) => state.approvals));
  const changes = useShownChanges(useHive((state) => state.changes));
  const messages = useHive((state) => state.messages);
  const elsewhere = useHive((state) => state.elsewhere);
  const over = undecided(useHive((state) => state.hive.over_budget));
  const [isPointed, setPointed] = useState(false);
  const [isFocused, setFocused] = useState(false);
  const [shown, setShown] = useState<readonly string[]>([]);
  const sorted = useMemo(
    () =>
      inOrder([
        ...stuckMessages({ messages, elsewhere }).map((message): Call => ({ kind: "message", message })),
        ...approvals.map((approval): Call => ({ kind: "request", approval })),
        ...changes.map((change): Call => ({ kind: "change", change })),
        ...over.map((one): Call => ({ kind: "budget", over: one })),
        ...questions.map((question): Call => ({ kind: "question", question })),
      ]),
    [questions, approvals, changes, messages, elsewhere, over],
  );
  const isHeld = isPointed || isFocused;
  // A card that was decided leaves, so what was below it moves in any case. Then the order counts again, and the first
  // card is the next one to decide. Never under someone who types.
  const hasLeft = shown.some((key) => !sorted.some((call) => callKey(call) === key));
  const calls = isHeld && (!hasLeft || isTyping()) ? withoutMoving(shown, sorted) : sorted;
  const keys = calls.map(callKey);
  if (keys.join() !== shown.join()) setShown(keys);
  const hold = {
    // A touch hovers only while it presses; a mouse pointer stays.
    onPointerEnter: (event: PointerEvent) => setPointed(event.pointerType === "mouse"),
    onPointerLeave: () => setPointed(false),
    onFocus: () => setFocused(true),
    onBlur: () => setFocused(false),
  };
  return { calls, hold };
}

/** Whether the focus is in a text box of a card. */
const isTyping = (): boolean => document.activeElement?.matches("[data-call] :is(textarea, input)") ?? false;

/** The open card: the one in the address, else the last open one, else the first. */
function useOpen(calls: readonly Call[], wanted: string | undefined): string | undefined {
  const [last, setLast] = useState<string>();
  const keys = calls.map(callKey);
  const open = [wanted, last].find((key) => key !== undefined && keys.includes(key)) ?? keys[0];
  if (open !== last) setLast(open);
  return open;
}
