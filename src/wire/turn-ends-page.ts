import { MAX_MESSAGE_FAILURES } from "./limits.ts";
import { TURN_ENDS, turnEndRule, type TurnEnd, type TurnEndRule } from "./turn-ends.ts";

const MESSAGE: Record<TurnEndRule["message"], string> = {
  done: "is acknowledged",
  dropped: "is dropped; with `--return` it goes back, uncounted",
  counted: `is counted; dead at the ${MAX_MESSAGE_FAILURES}th time`,
  returned: "goes back, uncounted",
};
const RECOVERY: Record<NonNullable<TurnEndRule["recovery"]>, string> = {
  compact: "the session is compacted and the prompt tried once more",
  new_session: "a new session takes its place and the prompt is tried once more",
};

/** The table of docs/reliability.md, generated from `TURN_ENDS`. */
export function turnEndsTable(): string {
  const rows = (Object.keys(TURN_ENDS) as TurnEnd[]).map((end) => {
    const { fault, message, recovery, pause, when } = turnEndRule(end);
    const first = recovery === undefined ? "" : `${RECOVERY[recovery]}; then `;
    const parked = pause === undefined ? "" : `; the agent is parked for ${span(pause.first)}, doubling to ${span(pause.most)}`;
    return `| \`${end}\` | ${when} | ${fault === "none" ? "–" : fault} | ${first}it ${MESSAGE[message]}${parked} |`;
  });
  return ["| end | when | fault | what happens to the message, and to the agent |", "| --- | --- | --- | --- |", ...rows].join(
    "\n",
  );
}

function span(ms: number): string {
  return ms < 60_000 ? `${ms / 1000} s` : `${ms / 60_000} min`;
}
