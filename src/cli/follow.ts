import { hivectl } from "../lib/hivectl.ts";
import { isTerminal } from "../wire/request-states.ts";
import { connectLines } from "../rpc/client.ts";
import type { ApprovalView, RiskMark } from "../wire/approval.ts";
import type { HiveEvent } from "../wire/event.ts";
import { EXIT, Failure } from "./exit.ts";
import { clean } from "./print.ts";
import { riskText } from "./diff-text.ts";
import { rowsUntil, type Listening } from "./follow-rows.ts";
import { stateColour } from "./request-text.ts";
import type { Shell } from "./shell.ts";

/** Follows a request until it is finished and prints each step. Resolves with its final state. */
export async function followRequest(shell: Shell, id: number): Promise<ApprovalView> {
  const [ended] = await followRequests(shell, [id]);
  if (!ended) throw new Error(`request ${id} was not followed`);
  return ended;
}

/** Follows several requests at once. Resolves in their order. */
export async function followRequests(shell: Shell, ids: readonly number[]): Promise<ApprovalView[]> {
  const names = ids.map((id) => `#${id}`).join(", ");
  shell.waitsFor(`${names} ${ids.length === 1 ? "continues" : "continue"}; ${hivectl("requests")} shows the state`);
  const states = new Map<number, string>();
  return requestsUntil(shell, ids, {
    isOver: ({ state }) => isTerminal(state),
    hear(approval) {
      if (states.get(approval.id) !== approval.state) tellStep(shell, approval, ids.length > 1);
      states.set(approval.id, approval.state);
    },
  });
}

/** Waits until `isOver` holds for each of these requests. Passes each change to `hear`. Resolves in their order. */
export function requestsUntil(
  shell: Pick<Shell, "client" | "socketPath">,
  ids: readonly number[],
  listening: Listening<ApprovalView>,
): Promise<ApprovalView[]> {
  const source = {
    kind: "approval",
    read: async (id: number) => (await shell.client.call("show", { id })).approval,
    of: (event: HiveEvent) => (event.kind === "approval" ? event.approval : undefined),
  } as const;
  return rowsUntil(shell, ids, source, listening);
}

function tellStep(shell: Shell, { id, agent, state }: ApprovalView, isOneOfMany: boolean): void {
  shell.say(`${isOneOfMany ? `#${id} ${agent}: ` : ""}${shell.paint(stateColour(state), state)}`);
}

/**
 * Makes a call that answers only once its requests are finished. Meanwhile prints each step of the requests that
 * `isMeant` selects.
 */
export async function tellingSteps<T>(
  shell: Shell,
  isMeant: (request: ApprovalView) => boolean,
  call: () => Promise<T>,
): Promise<T> {
  if (shell.isJson) return call();
  const { state } = await shell.client.call("state", { messages: 0 });
  const client = await connectLines(shell.socketPath, { ordered: true });
  const over = new AbortController();
  const steps = async (): Promise<void> => {
    const states = new Map<number, string>();
    for await (const { event } of client.stream("watch", { after: state.seq, kinds: ["approval"] }, { signal: over.signal })) {
      if (event?.kind !== "approval" || !isMeant(event.approval)) continue;
      if (states.get(event.approval.id) !== event.approval.state) tellStep(shell, event.approval, true);
      states.set(event.approval.id, event.approval.state);
    }
  };
  // The call itself reports what is wrong with the daemon.
  const told = steps().catch(() => {});
  try {
    return await call();
  } finally {
    over.abort();
    await told;
  }
}

/** The failure of a followed request that finished in any state but deployed. */
export function notDeployed(approval: ApprovalView, facts: object = {}): Failure {
  return new Failure(EXIT.refused, "failed", `#${approval.id} ${endWords(approval)}`, { ...facts, approval });
}

/** How a request ended, and why. */
export function endWords({ state, error, note }: ApprovalView): string {
  const why = error ?? note;
  return `${state}${why === undefined ? "" : `: ${clean(why)}`}`;
}

/** What a verb that made a request has to say of it. */
interface Asked {
  request: number;
  /** Absent for what ran before. */
  risks?: readonly RiskMark[];
}

/**
 * Prints the result of a verb that made a request: its number and its marks at once, and with `isWaiting` its final
 * state.
 */
export async function showRequest(shell: Shell, asked: Asked, words: string, isWaiting: boolean | undefined): Promise<void> {
  const { request, risks = [] } = asked;
  const text = withMarks(words, risks, shell);
  if (isWaiting !== true) return shell.show(asked, () => text);
  shell.say(text);
  const approval = await followRequest(shell, request);
  if (approval.state !== "deployed") throw notDeployed(approval, asked);
  shell.show({ ...asked, approval }, () => "");
}

/** A text with the marks that it must not hide below it. What is only for information stands on the card. */
export function withMarks(words: string, risks: readonly RiskMark[], view: Shell): string {
  const serious = risks.filter(({ level }) => level !== "info");
  return serious.length === 0 ? words : `${words}\n${riskText(serious, view)}`;
}
