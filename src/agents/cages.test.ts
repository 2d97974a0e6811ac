import { expect, test } from "vitest";
import type { CageExit, Running } from "../platforms/port.ts";
import { AgentConfig } from "../wire/config.ts";
import { Agent } from "./agent.ts";
import { NOTHING_GRANTED } from "./agent-json.ts";
import { Cages } from "./cages.ts";
import type { Happening } from "../messages/announcements.ts";
import { agentView } from "./view.ts";

/** A cage without a process, and what the driver was asked for. */
function world(tree: { config: AgentConfig; unreadable?: string; gone?: boolean; unstartable?: string }) {
  const agent = new Agent({ id: "a1", name: "scout", generation: 1 } as never, { instructions: "", warnings: [], ...tree });
  const asked: string[] = [];
  const told: Happening[] = [];
  const released: string[] = [];
  const problems: string[] = [];
  let end!: (exit: CageExit) => void;
  const exited = new Promise<CageExit>((resolve) => (end = resolve));
  const running: Running = {
    init: { pid: 0, startTime: 0 },
    exited,
    memoryBytes: () => undefined,
    async kill() {
      asked.push("kill");
      end({ code: 0 });
    },
  };
  const driver = {
    prepare: async () => {},
    async start() {
      asked.push("start");
      return running;
    },
    adopt: async () => (tree.gone === true ? null : running),
  };
  const cages = new Cages({
    driver: driver as never,
    cageOf: () => ({}) as never,
    specFor: async () => {
      if (tree.unstartable !== undefined) throw new Error(tree.unstartable);
      return { revision: "r" } as never;
    },
    identityOf: () => ({}) as never,
    revision: "r",
    mountProblems: async () => problems,
    openSockets: async () => {},
    changed: () => {},
    releaseLeases: async (_, why) => void released.push(why),
    interruptTurns: async (_, why) => void released.push(why),
    hasMail: () => false,
    announce: async (happening) => void told.push(happening),
    crashBackoffMs: 1,
    onUnexpected: (error) => expect.unreachable(String(error)),
    now: Date.now,
  });
  return { agent, cages, asked, told, released, problems, end };
}

const UNREADABLE = { config: NOTHING_GRANTED, unreadable: "the deployed config cannot be read" };

test("a cage that outlived its daemon is ended when its config cannot be read", async () => {
  const { agent, cages, asked } = world(UNREADABLE);
  expect(await cages.adopt(agent)).toBe(false);
  expect(asked).toEqual(["kill"]);
});

test("no message and no operator starts a cage whose config cannot be read", async () => {
  const { agent, cages, asked, told } = world(UNREADABLE);
  await cages.leaveFailed(agent, UNREADABLE.unreadable);
  expect(agent.state).toBe("failed");
  cages.onMail(agent);
  await expect(cages.start(agent, "by mail")).rejects.toThrow("the deployed config cannot be read");
  expect(agent.state).toBe("failed");
  expect(asked).toEqual([]);
  expect(told.map(({ event }) => event)).toEqual(["container_crash", "container_crash"]);
});

test("a new generation that ends before it has confirmed has failed", async () => {
  const { agent, cages, asked, end } = world({ config: AgentConfig.parse({}) });
  const trial = cages.trial(agent, {
    nonce: "n",
    confirmed: new Promise(() => {}),
    withinMs: 60_000,
    ended: new AbortController().signal,
    leaving: () => {},
    switched: () => end({ code: 3 }),
  });
  await expect(trial).rejects.toThrow("the new generation ended before it confirmed: exit 3");
  expect(asked).toEqual(["start", "kill"]);
  expect(agent.state).toBe("offline");
});

test("whatever ends a cage says to its turn why", async () => {
  const config = AgentConfig.parse({});
  const crashed = world({ config });
  await crashed.cages.start(crashed.agent, "a test");
  crashed.end({ code: null, signal: "SIGKILL" });
  await crashed.agent.serially(async () => {});
  await crashed.agent.serially(async () => {});
  expect(crashed.released).toEqual(["the cage crashed (ended by SIGKILL)"]);
  clearTimeout(crashed.agent.phase.at === "backoff" ? crashed.agent.phase.timer : undefined);

  const killed = world({ config });
  await killed.cages.start(killed.agent, "a test");
  await killed.cages.stop(killed.agent, { graceful: false, reason: "by operator" });
  expect(killed.released).toEqual(["the agent was killed (by operator)"]);

  const gone = world({ config, gone: true });
  expect(await gone.cages.adopt(gone.agent)).toBe(false);
  expect(gone.released).toEqual(["the cage ended while the daemon was down"]);
});

test("a mount that does not work any more is a warning on the row: when the cage starts, when it cannot, and when it is taken over", async () => {
  const gone = "mounts: /data/papers does not exist on this host";
  const warningsOf = (agent: Agent): string[] =>
    agentView(agent, { unread: 0, tokensToday: 0, currentRevision: "r" } as never).warnings;
  const running = world({ config: AgentConfig.parse({}) });
  running.problems.push("mounts: /data/out cannot be written by the agent (uid 1)");
  await running.cages.start(running.agent, "a test");
  expect(warningsOf(running.agent)).toEqual(running.problems);
  // Mended: the next start looks again.
  running.problems.pop();
  await running.cages.stop(running.agent, { graceful: false, reason: "by operator" });
  await running.cages.start(running.agent, "a test");
  expect(warningsOf(running.agent)).toEqual([]);

  const failed = world({ config: AgentConfig.parse({}), unstartable: gone });
  failed.problems.push(gone);
  await expect(failed.cages.start(failed.agent, "a test")).rejects.toThrow(gone);
  expect(warningsOf(failed.agent)).toEqual([gone]);

  const adopted = world({ config: AgentConfig.parse({}), unstartable: gone });
  adopted.problems.push(gone);
  // The cage that runs is taken over although no other could be started.
  expect(await adopted.cages.adopt(adopted.agent)).toBe(true);
  expect(warningsOf(adopted.agent)).toEqual([gone]);
});
