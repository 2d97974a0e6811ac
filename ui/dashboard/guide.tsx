import { changeCan } from "../../src/wire/change-states.ts";
import { requestCan } from "../../src/wire/request-states.ts";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { useMay } from "../kit/allowed.tsx";
import { call } from "../lib/api.ts";
import { afterFirstPaint } from "../lib/after-first-paint.ts";
import { knowApprovals, knowChanges, useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";
import { deployedChange, noteSeenDeploy, useHasSeenDeploy } from "../lib/seen-deploy.ts";
import { useNarrow } from "../lib/narrow.ts";
import { currentStep, foldedSteps, keyOf, leadOf, WORKERS, workOf } from "./guide-step.ts";

const DISMISSED = "guide-dismissed";

interface Step {
  words: ReactNode;
  isDone: boolean;
  /** The card that the step refers to, while it exists. */
  card?: string | undefined;
}

/** Opens the step's card as soon as it exists, unless the operator has opened another card or is working on it. */
function useLead(card: string | undefined, calls: readonly string[], onLead: (card: string) => void): void {
  const navigate = useNavigate();
  const { card: open } = useSearch({ from: "/" });
  const [led, setLed] = useState<string>();
  const isChosen = open !== undefined && open !== led && calls.includes(open);
  useEffect(() => {
    if (card === undefined || isChosen || document.activeElement?.closest("[data-call]")) return;
    setLed(card);
    onLead(card);
    void navigate({ to: "/", search: (search) => ({ ...search, card }), replace: true });
  }, [card, isChosen, navigate, onLead]);
}

/**
 * In rehearsal mode, a short path from the first message to the first deploy. It detects progress automatically, and
 * shows only the next step while cards wait. `onLead` gets each card that it opens.
 */
export function Guide({ calls, onLead }: { calls: readonly string[]; onLead: (card: string) => void }): ReactNode {
  const isBusy = calls.length > 0;
  const [isOpen, setOpen] = useState<boolean>();
  const ledger = useHive((state) => state.hive.ledger);
  const hiveId = useHive((state) => state.hive.id);
  const hasSeenDeploy = useHasSeenDeploy();
  const isNarrow = useNarrow();
  const isRehearsal = useHive((state) => state.hive.mode === "rehearsal");
  const messages = useHive((state) => state.messages);
  const approvals = useHive((state) => state.approvals);
  const agents = useHive((state) => state.agents);
  const questions = useHive((state) => state.questions);
  const changes = useHive((state) => state.changes);
  const [isDismissed, setDismissed] = useState(() => localStorage.getItem(DISMISSED) !== null);
  // Its steps act.
  const mayAct = useMay("approve");
  const isShown = isRehearsal && !isDismissed && mayAct;
  useEffect(() => {
    // Finished requests and changes count towards the progress, too.
    if (isShown)
      afterFirstPaint()
        .then(() => Promise.all([call("approvals", { limit: 50 }), call("changes", { limit: 50 })]))
        .then(
          ([{ approvals: past }, { changes: ended }]) => {
            knowApprovals(past);
            knowChanges(ended);
          },
          () => {}, // The guide then shows the steps of what is open.
        );
  }, [isShown]);
  const [hasAsked, setAsked] = useState(false);
  const openCount = [...questions.values()].filter((question) => question.state === "open").length;
  useEffect(() => {
    if (openCount > 0) setAsked(true);
  }, [openCount]);
  const answered = useMemo(
    () =>
      [...questions.values()].some((question) => question.state === "answered") ||
      messages.some((message) => message.from === "system" && message.body?.includes('"operator_answered"') === true),
    [questions, messages],
  );
  const all = [...approvals.values()];
  const spawns = all.filter((one) => one.kind === "spawn" && one.origin !== "first_start");
  const changed = deployedChange(all);
  const work = workOf(agents, [...changes.values()]);
  const others = [...agents.values()].filter((agent) => agent.role !== "manager" && !agent.destroyed).length;
  const steps: Step[] = [
    {
      words: (
        <>
          talk to hm1nd, the manager: write <code>tour</code> in the box {isNarrow ? "of the tab FL0W" : "under M3SS4GE FL0W"}
        </>
      ),
      // Judged by its result: any other message to hm1nd gets an answer but makes no request.
      isDone: spawns.length > 0 || others > 0,
    },
    {
      words: "approve the agent that it asks for: no agent is created without your approval",
      card: keyOf("request", spawns, (one) => requestCan(one, "approve"), calls),
      isDone: spawns.some((one) => one.state === "deployed") || others > 0,
    },
    {
      words: "answer one of its questions",
      card: keyOf("question", [...questions.values()], ({ state }) => state === "open", calls),
      isDone: answered || (hasAsked && openCount === 0),
    },
    {
      words: "read the diff of a config change, and approve it",
      card: keyOf("request", all, (one) => one.kind === "apply_commit" && requestCan(one, "approve"), calls),
      isDone: changed !== undefined,
    },
    {
      words: changed ? (
        <>
          see it deployed: the <Link to="/history">history</Link> has it, and{" "}
          <code>git -c safe.directory=&apos;*&apos; -C {visible(ledger)} log</code> has one commit per deploy{" "}
          {!hasSeenDeploy && (
            <button type="button" className="ghost" onClick={() => noteSeenDeploy(hiveId)}>
              seen
            </button>
          )}
        </>
      ) : (
        "see the deploy: one commit in the ledger for each"
      ),
      isDone: changed !== undefined && hasSeenDeploy,
    },
    {
      words: (
        <>
          let two agents work on a small repository: write <code>work</code> to hm1nd, and approve maker and critic
        </>
      ),
      card: keyOf("request", spawns, (one) => WORKERS.has(one.agent) && requestCan(one, "approve"), calls),
      isDone: work.hasBegun,
    },
    {
      words: (
        <>
          read what they propose, and approve it: the queue runs the tests and merges it. The page <Link to="/work">work</Link>{" "}
          shows it
        </>
      ),
      card: keyOf("change", work.changes, (one) => changeCan(one, "approve"), calls),
      isDone: work.isMerged,
    },
  ];
  const current = currentStep(steps, calls);
  useLead(isShown ? leadOf(steps, calls) : undefined, calls, onLead);
  if (!isShown) return null;
  const done = steps.filter((step) => step.isDone).length;
  const isOver = done === steps.length;
  const isWhole = isOpen ?? (!isBusy && !isOver);
  const shown = isWhole ? steps : foldedSteps(steps, calls);
  return (
    <section className="guide" aria-label="a first walk">
      <header>
        <b className="cyan">a first walk</b>
        <span className="dim">
          {done} of {steps.length}
          {isOver && ": that was the walk"}
        </span>
        <span className="grow" />
        <button type="button" className="ghost" aria-expanded={isWhole} onClick={() => setOpen(!isWhole)}>
          {isWhole ? "less" : "all steps"}
        </button>
        <button
          type="button"
          className="ghost"
          onClick={() => {
            localStorage.setItem(DISMISSED, "1");
            setDismissed(true);
          }}
        >
          hide
        </button>
      </header>
      {isWhole && <p className="dim">The model is scripted; everything else is real.</p>}
      <ol>
        {shown.map((step) => (
          <li
            key={steps.indexOf(step)}
            className={step.isDone ? "faint" : step === steps[current] ? "" : "dim"}
            aria-current={step === steps[current] ? "step" : undefined}
          >
            <span aria-hidden="true" className={step.isDone ? "green" : "amber"}>
              {step.isDone ? "✓" : step === steps[current] ? "▸" : "·"}
            </span>
            <span>
              {step.isDone && <span className="sr">done: </span>}
              {step.card !== undefined && !step.isDone ? (
                <Link to="/" search={(search) => ({ ...search, tab: "call", card: step.card })} replace>
                  {step.words}
                </Link>
              ) : (
                step.words
              )}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
