import { isUnshown } from "../../../src/wire/unshown.ts";
import type { HiveEvent } from "../../../src/wire/event.ts";
import type { ChangeView } from "../../../src/wire/work.ts";
import { scaled } from "../../lib/slowness.ts";
import type { TestHive } from "../../lib/hive.ts";
import type { History, Task } from "./history.ts";
import { mustFollow, share } from "./order.ts";
import { parseAnswer, pickMessage } from "./scenario.ts";

/** Nothing has happened for so long: something hangs. Milliseconds. */
const STALL_MS = scaled(10 * 60_000);

export interface DriveOptions {
  /** Names of the agents. */
  agents: readonly string[];
  /** A change that comes back is left alone. */
  once?: boolean;
  /** Called with a line about each step. */
  report(line: string): void;
}

/** What the agents did. */
export interface Driven {
  /** Changes that are merged, in their order. */
  merged: ChangeView[];
  /** Changes that are with their owners at the end. */
  returned: ChangeView[];
  /** How often an agent's pick conflicted, and how often the queue returned a change. */
  picksRefused: number;
  changesReturned: number;
  /** Commits that conflicted at least once and are merged. */
  solved: number;
}

/** The state of one commit. */
interface Work {
  task: Task;
  agent: string;
  state: "waits" | "picked" | "merged" | "returned";
  /** Commits that must be merged before it is picked. */
  after: ReadonlySet<number>;
  /** Merged commits when it was picked last. */
  seen: number;
  conflicts: number;
}

/**
 * Lets the agents of a hive apply the commits of a history, each its own in their order, and is the operator: it approves
 * every change once each agent has answered for the first time. A commit that conflicts waits for the earlier commits on
 * its files and is picked again.
 */
export async function drive(hive: TestHive, history: History, options: DriveOptions): Promise<Driven> {
  const campaign = new Campaign(hive, history, options);
  return campaign.run();
}

class Campaign {
  readonly #hive: TestHive;
  readonly #options: DriveOptions;
  readonly #works: Work[];
  readonly #merged: ChangeView[] = [];
  readonly #returned: ChangeView[] = [];
  readonly #silent: Set<string>;
  readonly #approved = new Set<string>();
  #held: ChangeView[] = [];
  #picksRefused = 0;
  #changesReturned = 0;
  #fail: (error: unknown) => void = () => {};
  #stall: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(hive: TestHive, history: History, options: DriveOptions) {
    this.#hive = hive;
    this.#options = options;
    const after = options.once ? new Map<number, Set<number>>() : mustFollow(history.tasks);
    this.#works = history.tasks.map((task) => ({
      task,
      agent: options.agents[task.index % options.agents.length] ?? "",
      state: "waits",
      after: after.get(task.index) ?? new Set(),
      seen: 0,
      conflicts: 0,
    }));
    // An agent whose first commit has to follow others answers after these are approved.
    const first = options.agents.map((agent) => this.#works.find((work) => work.agent === agent));
    this.#silent = new Set(first.flatMap((work) => (work?.after.size === 0 ? [work.agent] : [])));
  }

  async run(): Promise<Driven> {
    const failed = new Promise<never>((_, reject) => (this.#fail = reject));
    const isOver = (): boolean => this.#works.every(({ state }) => state === "merged" || state === "returned");
    const watched = this.#hive.watch(
      (event) => {
        this.#see(event);
        return isOver();
      },
      { after: 0, kinds: ["change", "message", "agent"] },
    );
    this.#advance();
    this.#bump();
    try {
      if (!isOver()) await Promise.race([watched, failed]);
    } finally {
      this.#isEnded = true;
      clearTimeout(this.#stall);
      watched.catch(() => {}); // It ends with the hive if the campaign failed.
    }
    const solved = this.#works.filter(({ state, conflicts }) => state === "merged" && conflicts > 0).length;
    return {
      merged: this.#merged,
      returned: this.#returned,
      picksRefused: this.#picksRefused,
      changesReturned: this.#changesReturned,
      solved,
    };
  }

  #bump(): void {
    clearTimeout(this.#stall);
    if (this.#isEnded) return;
    this.#stall = setTimeout(() => {
      const open = this.#works.filter(({ state }) => state === "waits" || state === "picked");
      const list = open.map(({ task, agent, state }) => `${task.topic} of ${agent} ${state}`).join(", ");
      this.#fail(new Error(`nothing has happened for ${Math.round(STALL_MS / 60_000)} minutes: ${list}`));
    }, STALL_MS);
  }

  #see(event: HiveEvent): void {
    if (event.kind === "change") this.#changed(event.change);
    else if (event.kind === "message" && event.message.to === "operator") {
      const answer = parseAnswer(event.message.body ?? "");
      if (answer) this.#answered(answer);
    } else if (event.kind === "agent" && event.agent.failed && this.#options.agents.includes(event.agent.name))
      this.#fail(new Error(`${event.agent.name} does not run: ${event.agent.state_reason ?? "no reason given"}`));
  }

  /** Sends out each agent's next commit whose turn it is. */
  #advance(): void {
    const isMerged = (index: number): boolean => this.#works[index]?.state === "merged";
    for (const agent of this.#options.agents) {
      const next = this.#works.find((work) => work.agent === agent && work.state !== "merged" && work.state !== "returned");
      if (next?.state !== "waits" || ![...next.after].every(isMerged)) continue;
      next.state = "picked";
      next.seen = this.#merged.length;
      this.#do(() => this.#hive.call("send", { to: agent, body: pickMessage(next.task) }));
    }
  }

  #answered({ topic, kind, words }: { topic: string; kind: "conflicts" | "failed"; words: string }): void {
    const work = this.#works.find(({ task }) => task.topic === topic);
    if (work?.state !== "picked") return;
    if (kind === "failed") return this.#fail(new Error(`${topic} (${work.task.original}) of ${work.agent}: ${words}`));
    this.#picksRefused++;
    this.#wait(work, `does not apply: ${words}`);
    this.#heard(work.agent);
  }

  #changed(change: ChangeView): void {
    const work = this.#works.find(({ task, agent }) => task.topic === change.branch && agent === change.agent);
    if (work?.state !== "picked") return;
    if (change.state === "proposed" && !this.#approved.has(`${change.id}/${change.round}`)) {
      this.#approved.add(`${change.id}/${change.round}`);
      this.#held.push(change);
      this.#heard(work.agent);
    } else if (change.state === "merged") {
      work.state = "merged";
      this.#merged.push(change);
      this.#say(work, "is merged");
      this.#advance();
    } else if (change.state === "conflict") {
      this.#changesReturned++;
      if (this.#options.once) {
        work.state = "returned";
        this.#returned.push(change);
        this.#say(work, `is returned: ${firstLine(change.reason)}`);
        this.#advance();
      } else this.#wait(work, `is returned: ${firstLine(change.reason)}`);
    } else if (["checks_failed", "push_failed", "denied", "withdrawn", "superseded", "stale"].includes(change.state))
      this.#fail(new Error(`${work.task.topic} (change ${change.id}) is ${change.state}: ${change.reason ?? change.note ?? ""}`));
  }

  /** Every agent works on the same base until all have answered once, so that changes meet in the queue. */
  #heard(agent: string): void {
    this.#bump();
    this.#silent.delete(agent);
    if (this.#silent.size > 0) return;
    for (const change of this.#held.splice(0)) this.#do(() => this.#approve(change));
  }

  async #approve({ id, sha, digest }: ChangeView): Promise<void> {
    const { files } = await this.#hive.call("change", { change: id });
    const unshown = files.filter(isUnshown).map(({ path }) => path);
    await this.#hive.call("change_approve", { change: id, sha, digest, unshown });
  }

  /** Lets a commit wait for the earlier ones on its files, and for all earlier ones if these are merged. */
  #wait(work: Work, words: string): void {
    work.conflicts++;
    work.state = "waits";
    const earlier = this.#works.slice(0, work.task.index).filter(({ state }) => state !== "merged");
    const sharing = earlier.filter(({ task }) => share(task, work.task));
    const isNews = this.#merged.length > work.seen;
    const waited = sharing.length > 0 ? sharing : isNews ? [] : earlier;
    if (waited.length === 0 && !isNews) {
      const what = `${work.task.topic} (${work.task.original}) ${words}`;
      return this.#fail(new Error(`${what}; all earlier commits are merged, so that it waits for nothing`));
    }
    work.after = new Set(waited.map(({ task }) => task.index));
    this.#say(work, `${words}; it waits for ${waited.map(({ task }) => task.topic).join(", ") || "nothing"}`);
    this.#advance();
  }

  #say({ task, agent }: Work, words: string): void {
    this.#bump();
    this.#options.report(`${this.#merged.length}/${this.#works.length} ${agent} ${task.topic} ${words}`);
  }

  #do(act: () => Promise<unknown>): void {
    act().catch((error: unknown) => this.#fail(error));
  }
}

const firstLine = (text = ""): string => text.split("\n")[0] ?? "";
