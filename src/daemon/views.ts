import type { Feed } from "../eventlog/feed.ts";
import { stateOf, type Agent } from "../agents/agent.ts";
import { agentView } from "../agents/view.ts";
import type { AllStop } from "../agents/all-stop.ts";
import type { AgentBus } from "../agents/events.ts";
import type { Swarm } from "../agents/swarm.ts";
import type { Broker } from "../messages/broker.ts";
import type { MessageHistory } from "../messages/history.ts";
import type { RequestReader } from "../deploys/request-reader.ts";
import type { ChangeReader } from "../work/change-reader.ts";
import type { Repositories } from "../work/repositories.ts";
import type { Questions } from "../messages/questions.ts";
import type { Turns } from "../agents/turns.ts";
import type { Driver } from "../platforms/port.ts";
import type { Budgets } from "../policy/budgets.ts";
import type { Store } from "../store/store.ts";
import type { AgentView } from "../wire/agent.ts";
import type { OverBudget } from "../wire/budget.ts";
import type { HiveEvent, HiveView, StateSnapshot } from "../wire/event.ts";
import { instant } from "../wire/instant.ts";
import { listed } from "../lib/within.ts";
import { MAX_SNAPSHOT_LIST_BYTES } from "../wire/limits.ts";
import type { You } from "../wire/operator-operations.ts";
import { OPERATOR } from "../wire/names.ts";
import type { Disk } from "./disk.ts";
import { repoListing } from "./listings.ts";
import type { AgentPages } from "./http/agent-pages.ts";
import type { ModelAccess } from "./model-access.ts";
import type { Secrets } from "./secrets/secrets.ts";
import type { ModelCredentials } from "./login/model-credentials.ts";
import type { ModelUse } from "./model-use.ts";
import type { UsageToday } from "./usage.ts";

/** The newest dead and held messages in a snapshot: more than an operator decides on at once. */
const MAX_STUCK = 200;

export interface ViewsDeps {
  hive: Pick<HiveView, "id" | "version" | "revision" | "hivectl" | "started_at" | "ledger">;
  access: Pick<ModelAccess, "mode" | "name" | "scenarios" | "credential">;
  feed: Pick<Feed, "readers" | "publish">;
  usage: Pick<UsageToday, "of" | "total">;
  disk: Pick<Disk, "low">;
  urls: { home: string };
  driver: Pick<Driver, "cannot">;
  store: Pick<Store, "seq" | "approvals" | "changes">;
  agents: Pick<Swarm, "byId" | "allWithDestroyed">;
  broker: Pick<Broker, "unread" | "operator">;
  turns: Pick<Turns, "last">;
  pages: Pick<AgentPages, "portOf" | "problem">;
  modelUse: Pick<ModelUse, "plan">;
  budgets: { over(): OverBudget[]; budgets: Pick<Budgets, "warnings"> };
  allStop: Pick<AllStop, "view">;
  questions: Pick<Questions, "list">;
  history: Pick<MessageHistory, "messages" | "stuck">;
  requests: Pick<RequestReader, "view">;
  changes: Pick<ChangeReader, "view">;
  repositories: Pick<Repositories, "all" | "view">;
  secrets: Pick<Secrets, "problemsOf">;
  credentials: Pick<ModelCredentials, "problemsOf">;
  bus: Pick<AgentBus, "on">;
  now(): number;
}

/** The views of the agents and of the hive. Publishes changes, once for all changes of the same turn of the loop. */
export class Views {
  readonly #deps: ViewsDeps;
  readonly #lastState = new WeakMap<Agent, string>();
  /** Agents that this daemon has seen at work or idle. */
  readonly #seen = new WeakSet<Agent>();
  /** Agents that a limit of their budget was seen to hold. */
  readonly #held = new WeakSet<Agent>();
  readonly #changedAgents = new Set<Agent>();
  #isHiveChanged = false;
  #isPublishing = false;

  constructor(deps: ViewsDeps) {
    this.#deps = deps;
    deps.bus.on("changed", (what) => (what === "hive" ? this.#hiveChanged() : this.#agentChanged(what)));
    deps.bus.on("inbox_changed", (inbox) => {
      if (inbox === OPERATOR) return this.#hiveChanged();
      const agent = deps.agents.byId(inbox);
      if (agent) this.#agentChanged(agent);
    });
  }

  #agentChanged(agent: Agent): void {
    // An agent is not shown before its first deploy has succeeded.
    if (agent.isDraft) return;
    const { state } = agent;
    if (this.#lastState.get(agent) !== state) {
      this.#lastState.set(agent, state);
      stateOf(agent).shown.stateSince = this.#since(agent, state);
    }
    // The hive's view lists the limits that hold an agent.
    const isHeld = agent.isUp && agent.overBudget !== undefined;
    if (isHeld !== this.#held.has(agent)) {
      if (isHeld) this.#held.add(agent);
      else this.#held.delete(agent);
      this.#isHiveChanged = true;
    }
    this.#changedAgents.add(agent);
    this.#publishSoon();
  }

  /** Since when an agent is in a state that it is seen in now. The last daemon may have seen it there. */
  #since(agent: Agent, state: Agent["state"]): number {
    const now = this.#deps.now();
    if (agent.turn) return agent.turn.startedAt;
    if (state === "offline" || this.#seen.has(agent)) return now;
    this.#seen.add(agent);
    return (state === "idle" ? this.#deps.turns.last(agent)?.endedAt : undefined) ?? now;
  }

  #hiveChanged(): void {
    this.#isHiveChanged = true;
    this.#publishSoon();
  }

  #publishSoon(): void {
    if (this.#isPublishing) return;
    this.#isPublishing = true;
    setImmediate(() => {
      const { feed } = this.#deps;
      this.#isPublishing = false;
      const agents = [...this.#changedAgents];
      this.#changedAgents.clear();
      if (feed.readers === 0) return;
      for (const agent of agents) feed.publish({ kind: "agent", agent: this.agent(agent) });
      if (this.#isHiveChanged) feed.publish({ kind: "hive", hive: this.hive() });
      this.#isHiveChanged = false;
    });
  }

  agent(agent: Agent): AgentView {
    const { hive, usage, urls, broker, turns, pages, secrets, credentials } = this.#deps;
    const today = usage.of(agent.id);
    const last = turns.last(agent);
    return agentView(agent, {
      unread: broker.unread(agent.id),
      tokensToday: today.tokens,
      costToday: today.cost,
      unpricedToday: today.unpriced,
      currentRevision: hive.revision,
      url: `${urls.home}/agent/${agent.name}`,
      port: pages.portOf(agent),
      portProblem: pages.problem(agent),
      budgetWarnings: agent.destroyed ? [] : this.#deps.budgets.budgets.warnings(agent.id),
      isMerged: (repo, base, commit) => this.#deps.store.changes.isMerged({ agent: agent.id, repo, base, commit }),
      secretProblems: [...secrets.problemsOf(agent), ...credentials.problemsOf(agent)],
      lastTurn: last && {
        turn: last.turn,
        result: last.result,
        reason: last.reason,
        duration_ms: last.durationMs,
        ended_at: instant(last.endedAt),
      },
    });
  }

  /** The latest views of all agents and of the hive. */
  all(): HiveEvent[] {
    return [{ kind: "hive", hive: this.hive() }, ...this.#agents().map((agent): HiveEvent => ({ kind: "agent", agent }))];
  }

  /** The initial state of a page, at one position of the sequence, with the newest `messages` messages. `you` is its reader. */
  snapshot(messages: number, you: You): StateSnapshot {
    const { store, questions, history, requests, changes, repositories } = this.#deps;
    const bytes = MAX_SNAPSHOT_LIST_BYTES;
    const newest = history.messages({ limit: messages }, undefined, bytes);
    const open = questions.list({}, bytes);
    const stuck = history.stuck({ limit: MAX_STUCK }, bytes);
    const asked = listed(store.approvals.open().reverse(), (row) => requests.view(row), { bytes });
    const proposed = listed(store.changes.open().reverse(), (row) => changes.view(row), { bytes });
    const kept = repoListing(repositories, { bytes });
    return {
      seq: store.seq,
      you,
      hive: this.hive(),
      agents: this.#agents(),
      questions: open.questions,
      approvals: asked.rows.reverse(),
      repos: kept.rows,
      changes: proposed.rows.reverse(),
      messages: newest.messages,
      stuck: stuck.messages,
      more: {
        messages: newest.more === true,
        stuck: stuck.more === true,
        questions: open.more === true,
        approvals: asked.more === true,
        changes: proposed.more === true,
        repos: kept.more === true,
      },
    };
  }

  #agents(): AgentView[] {
    return this.#deps.agents.allWithDestroyed().map((agent) => this.agent(agent));
  }

  hive(): HiveView {
    const { hive, access, usage, broker, allStop, budgets, modelUse } = this.#deps;
    const over = budgets.over();
    const today = usage.total();
    const stopped = allStop.view;
    return {
      ...hive,
      ...(stopped ? { all_stopped: stopped } : {}),
      ...(over.length > 0 ? { over_budget: over } : {}),
      ...(modelUse.plan.length > 0 ? { plan: [...modelUse.plan] } : {}),
      mode: access.mode,
      upstream: access.name,
      scenarios: access.scenarios,
      credential: access.credential,
      tokens_today: today.tokens,
      cost_today_usd: today.cost,
      unpriced_today: today.unpriced,
      operator_unread: broker.operator.unread(),
      read_up_to: broker.operator.readUpTo(),
      banners: this.#banners(),
    };
  }

  #banners(): HiveView["banners"] {
    const { disk, driver } = this.#deps;
    return [
      ...(disk.low
        ? [{ level: "error" as const, text: "the disk is nearly full: new data is refused until there is room" }]
        : []),
      ...driver.cannot().map((text) => ({ level: "warn" as const, text })),
    ];
  }
}
