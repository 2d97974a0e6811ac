import { TestHive } from "../../test/lib/hive.ts";
import type { MessageView } from "../../src/wire/message.ts";
import type { StoredTurnEvent } from "../../src/wire/event.ts";
import { sender, type World } from "./actors.ts";
import { Checker } from "./checker.ts";
import { seeded, type SoakOptions, type SoakResult } from "./soak.ts";

/** Rows of one page of history. */
const PAGE = 500;
/** How often agents that crashed too often are started again, as an operator would. Milliseconds. */
const LOOK_MS = 200;
/** Maximum unfinished messages at a time. */
const MOST_OPEN = 40;
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_MS));

/**
 * The soak with nothing replaced: real cages with the real harness and the real CLI, every message a turn of the
 * scripted model. A cage is killed whole, by its first process. The checker is fed from the hive's own history
 * afterwards: when turns began and when messages were acknowledged, in the hive's single sequence.
 */
export async function soakCages(options: Omit<SoakOptions, "harnessKillShare"> & { cageKills: number }): Promise<SoakResult> {
  const names = Array.from({ length: options.agents }, (_, at) => `a${at}`);
  const hive = new TestHive({
    HIVE_SEND_RATE: "1000000",
    HIVE_MAX_HOPS: "10000",
    HIVE_LOOP_USD: "1000000",
    HIVE_LOOP_OUTPUT_TOKENS: "1000000000",
    HIVE_CRASH_BACKOFF_SECONDS: "0.05",
    HIVE_LOG_LEVEL: "error",
  }).play([{ when: { text: "." }, steps: [{ say: "noted" }] }]);
  const checker = new Checker();
  const random = seeded(options.seed);
  try {
    await hive.start();
    await hive.call("stop", { scope: { agent_names: ["hm1nd"] }, graceful: false });
    for (const name of names) await hive.call("spawn", { name });
    const world: World = {
      generations: new Map(),
      checker,
      revision: "",
      socketOf: (agent) => hive.agentSocket(agent),
      random,
      killShare: 0,
      harnessKills: 0,
      isOver: false,
    };
    // Turns take longer than sends, so sends are held back to spread the kills over both.
    let left = options.sends;
    let settled = 0;
    const share = async (): Promise<boolean> => {
      while (checker.counts.sent - settled > MOST_OPEN) await pause();
      return left-- > 0;
    };
    const peersOf = (name: string): string[] => names.filter((other) => other !== name);
    const senders = Promise.all(names.map((name) => sender(world, name, peersOf(name), share)));
    let daemonKills = 0;
    const kills = killings(options, random);
    while (settled < options.sends) {
      while (kills[0] && kills[0].due <= settled) {
        if (kills.shift()?.what === "daemon") {
          await hive.crash();
          await hive.start();
          daemonKills++;
        } else if (await killCage(hive, names[Math.floor(random() * names.length)] ?? "")) world.harnessKills++;
      }
      await revive(hive, names);
      await pause();
      settled = checker.counts.sent - (await openOf(hive, names));
    }
    await senders;
    // A leased message is neither queued nor done.
    while ((await Promise.all(names.map((name) => history(hive, name)))).flat().some((one) => one.state === "leased")) {
      await revive(hive, names);
      await pause();
    }
    for (const name of names) await tell(checker, hive, name);
    return { ...checker.counts, daemonKills, harnessKills: world.harnessKills, violations: checker.finish() };
  } finally {
    await hive.dispose();
  }
}

/** The kills, sorted by the number of sends after which they happen. */
function killings(options: { sends: number; daemonKills: number; cageKills: number }, random: () => number) {
  const kill = (what: "daemon" | "cage", count: number) =>
    Array.from({ length: count }, () => ({ what, due: Math.floor(random() * options.sends) }));
  return [...kill("daemon", options.daemonKills), ...kill("cage", options.cageKills)].sort((a, b) => a.due - b.due);
}

/** Kills the first process of a cage, and thereby all of it. Returns false if the cage is not running. */
async function killCage(hive: TestHive, name: string): Promise<boolean> {
  try {
    process.kill((await hive.cage(name)).init, "SIGKILL");
    return true;
  } catch {
    // Not running, or ended just before the kill.
    return false;
  }
}

/** Counts the messages that are queued for these agents or in one of their turns. */
async function openOf(hive: TestHive, names: readonly string[]): Promise<number> {
  const { state } = await hive.call("state", { messages: 0 });
  const unread = state.agents.filter(({ name }) => names.includes(name)).map((agent) => agent.unread);
  const inTurn = await Promise.all(names.map((agent) => hive.call("messages", { agent, waiting: true, limit: PAGE })));
  return Math.max(
    unread.reduce((sum, one) => sum + one, 0),
    inTurn.reduce((sum, { messages }) => sum + messages.length, 0),
  );
}

/** Starts the agents that crashed too often. */
async function revive(hive: TestHive, names: readonly string[]): Promise<void> {
  const { state } = await hive.call("state", { messages: 0 });
  const failed = state.agents.filter((agent) => names.includes(agent.name) && agent.failed).map(({ name }) => name);
  if (failed.length > 0) await hive.call("start", { scope: { agent_names: failed } });
}

/** Every message to an agent. */
async function history(hive: TestHive, name: string): Promise<MessageView[]> {
  const all: MessageView[] = [];
  for (let before: number | undefined; ;) {
    const { messages } = await hive.call("messages", { agent: name, limit: PAGE, ...(before === undefined ? {} : { before }) });
    all.push(...messages.filter((one) => one.to === name));
    before = messages[0]?.id;
    if (before === undefined || messages.length < PAGE) return all;
  }
}

/** Every event of an agent's turns. */
async function eventsOf(hive: TestHive, name: string): Promise<StoredTurnEvent[]> {
  const all: StoredTurnEvent[] = [];
  for (let before: number | undefined; ;) {
    const { events, more } = await hive.call("turn_events", {
      agent: name,
      limit: PAGE,
      ...(before === undefined ? {} : { before }),
    });
    all.push(...events);
    before = events[0]?.seq;
    if (!more || before === undefined) return all;
  }
}

/** Feeds the checker an agent's deliveries and acknowledgements, in order. */
async function tell(checker: Checker, hive: TestHive, name: string): Promise<void> {
  const messages = await history(hive, name);
  const starts = (await eventsOf(hive, name)).flatMap(({ seq, event }) => (event.type === "turn_start" ? [{ seq, event }] : []));
  const story = [
    ...starts.map(({ seq, event }) => ({
      seq,
      run: () => checker.delivered({ inbox: name, id: event.message_id, body: event.body, redelivered: event.redelivered }),
    })),
    ...messages.flatMap((one) =>
      one.state === "done" ? [{ seq: one.seq, run: () => checker.acknowledged(one.body ?? "") }] : [],
    ),
  ].sort((a, b) => a.seq - b.seq);
  for (const { run } of story) run();
  for (const one of messages) if (one.state !== "done") checker.violations.push(`${one.id} is ${one.state}: ${one.reason ?? ""}`);
}
