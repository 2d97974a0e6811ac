import type { RequestState } from "./approval.ts";

/**
 * The life of a request as one pure table: state × event → state, the guard that must hold, and the tag that the
 * applied repository then gets. The daemon moves requests by it, the pages and `hivectl` read from it what can be done
 * with a request, the tests walk it, and `docs/states.md` is generated from it.
 */

export type RequestEvent = "approve" | "deny" | "cancel" | "build" | "built" | "activate" | "publish" | "fail";

/** What must be true for an event to be accepted, in words for people. */
export const GUARDS = {
  looked_at: "what runs is still what was shown (the digest)",
  own: "the operator cancels, or the agent that asked for it",
  alone: "no other deploy of this agent is under way",
  confirmed: "the new generation has confirmed over its own socket, and the ledger holds it",
} as const;
export type Guard = keyof typeof GUARDS;

export interface Rule {
  to: RequestState;
  guard?: Guard;
  /** `<tag>/<id>` in the applied repository. */
  tag?: { name: string; annotated: boolean };
}

/** The state in which a request begins, and the tag that pins its commit. */
export const INITIAL: Rule = { to: "pending", tag: { name: "proposal", annotated: false } };

const failed: Rule = { to: "failed", tag: { name: "failed", annotated: true } };

export const TABLE: Record<RequestState, Partial<Record<RequestEvent, Rule>>> = {
  pending: {
    approve: { to: "approved", guard: "looked_at", tag: { name: "approved", annotated: false } },
    deny: { to: "denied", tag: { name: "denied", annotated: true } },
    cancel: { to: "cancelled", guard: "own" },
    fail: failed,
  },
  approved: { build: { to: "building", guard: "alone", tag: { name: "building", annotated: false } }, fail: failed },
  building: { built: { to: "waiting" }, cancel: { ...failed, guard: "own" }, fail: failed },
  waiting: { activate: { to: "activating" }, fail: failed },
  activating: {
    publish: { to: "deployed", guard: "confirmed", tag: { name: "deployed", annotated: true } },
    fail: failed,
  },
  deployed: {},
  failed: {},
  denied: {},
  cancelled: {},
};

/** The states of an approved request that deploys, in order. */
export const DEPLOY_PATH: readonly RequestState[] = follow("pending", ["approve", "build", "built", "activate", "publish"]);

function follow(from: RequestState, [event, ...rest]: RequestEvent[]): RequestState[] {
  const to = event && TABLE[from][event]?.to;
  return to ? [to, ...follow(to, rest)] : [];
}

/** The rule for an event in a state; undefined if the event does not apply. */
export function ruleFor(state: RequestState, event: RequestEvent): Rule | undefined {
  return TABLE[state][event];
}

/** The states in which a request can end. */
export const TERMINAL_STATES = ["deployed", "failed", "denied", "cancelled"] as const satisfies RequestState[];

/** True if no event can change such a request. */
export function isTerminal(state: RequestState): boolean {
  return Object.keys(TABLE[state]).length === 0;
}

/** Approved and not ended: the deploy is queued or runs. */
export function isInFlight(state: RequestState): boolean {
  return state !== "pending" && !isTerminal(state);
}

/** The build has not ended: its log may still grow. */
export function isBeforeBuilt(state: RequestState): boolean {
  return isInFlight(state) && DEPLOY_PATH.indexOf(state) < DEPLOY_PATH.indexOf("waiting");
}

/** The steps of the deploy have begun. At most one request per agent is in such a state. */
export function isDeploying(state: RequestState): boolean {
  return state !== "approved" && isInFlight(state);
}

/** What a person can do with a request. `force` ends the wait for the running turn. */
export type RequestAction = "approve" | "deny" | "cancel" | "force";

/**
 * Whether the state of a request allows the action. The daemon checks guards and permissions. A cancelled build fails
 * with that reason.
 */
export function requestCan({ state }: { state: RequestState }, action: RequestAction): boolean {
  return action === "force" ? state === "waiting" : ruleFor(state, action) !== undefined;
}

/** The tag that records how a request ended. A cancelled request has none. */
export function terminalTag(state: RequestState): string | undefined {
  if (!isTerminal(state)) return undefined;
  for (const rules of Object.values(TABLE)) for (const rule of Object.values(rules)) if (rule.to === state) return rule.tag?.name;
  return undefined;
}

/** The tags that record how a request ended. A request has at most one of them. */
export const TERMINAL_TAGS: readonly string[] = (Object.keys(TABLE) as RequestState[]).flatMap((one) => terminalTag(one) ?? []);

/** The tags that a request in this state has, given the states that it passed. Recovery restores them. */
export function tagsOf(state: RequestState, wasApproved: boolean, wasBuilding: boolean): string[] {
  const terminal = terminalTag(state);
  return [
    "proposal",
    ...(wasApproved ? ["approved"] : []),
    ...(wasBuilding ? ["building"] : []),
    ...(terminal === undefined ? [] : [terminal]),
  ];
}
