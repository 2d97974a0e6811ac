import { readFileSync } from "node:fs";
import { descendants, residentBytes } from "../../src/os/process-tree.ts";
import { commandLine, TestHive } from "../../test/lib/hive.ts";
import { spawnAgents } from "../lib/hive.ts";
import type { Row } from "../lib/row.ts";

/** Clock ticks per second in /proc: a constant of Linux on every machine that we run on. */
const TICKS = 100;
const AGENTS = 200;
const QUICK_SECONDS = 10;
const SLEEP_AFTER_SECONDS = 2;
const MB = 1_000_000;

/** The cost of idle agents: awake, the memory of the harness; asleep, nothing. */
export const idle: Row = {
  name: "idle",
  async run({ idleSeconds, quick }) {
    const [fresh, used] = await harnessMegabytes();
    const hive = new TestHive({ HIVE_SLEEP_AFTER_SECONDS: String(SLEEP_AFTER_SECONDS), HIVE_LOG_LEVEL: "error" });
    try {
      await hive.start();
      await spawnAgents(
        hive,
        Array.from({ length: AGENTS - 1 }, (_, nth) => `i${nth}`),
      );
      // Every process of a cage descends from the daemon that started it.
      while (descendants(hive.pid).length > 0) await new Promise((resolve) => setTimeout(resolve, 100));
      const seconds = quick ? QUICK_SECONDS : idleSeconds;
      const requestsBefore = await modelRequests(hive);
      const ticksBefore = ticks(hive.pid);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      const share = ((ticks(hive.pid) - ticksBefore) / TICKS / seconds) * 100;
      const { agents } = (await hive.call("state", { messages: 0 })).state;
      const asleep = agents.filter((agent) => agent.asleep).length;
      const over = `${asleep} agents asleep, over ${seconds} s`;
      return [
        {
          what: "a harness awake, resident memory without the CLI",
          value: Math.max(fresh, used),
          unit: "MB",
          reach: { most: 100 },
          detail: `before its first turn ${Math.round(fresh)} MB, after it ${Math.round(used)} MB`,
        },
        { what: `agents asleep of ${AGENTS}`, value: asleep, unit: "", reach: { least: AGENTS }, detail: over },
        { what: "their processes", value: descendants(hive.pid).length, unit: "", reach: { most: 0 }, detail: over },
        { what: "the daemon's processor time beside them", value: share, unit: "%", reach: { most: 1 }, detail: over },
        {
          what: "their requests at the gateway",
          value: (await modelRequests(hive)) - requestsBefore,
          unit: "",
          reach: { most: 0 },
          detail: over,
        },
      ];
    } finally {
      await hive.dispose();
    }
  },
};

/** Memory of the manager's harness: while it waits for its first message, and after a turn, when all of its code is loaded. */
async function harnessMegabytes(): Promise<[number, number]> {
  const hive = new TestHive({ HIVE_LOG_LEVEL: "error" }).play([{ when: { text: "." }, steps: [{ say: "ok" }] }]);
  const megabytes = async (): Promise<number> => {
    const pids = (await hive.cage("hm1nd")).all().filter((pid) => commandLine(pid).includes("hive-ag3nt.js"));
    return Math.max(...pids.map(residentBytes)) / MB;
  };
  try {
    await hive.start();
    await hive.untilAgent("hm1nd", (agent) => agent.running && agent.state === "idle");
    const fresh = await megabytes();
    await hive.call("send", { to: "hm1nd", body: "a turn" });
    await hive.untilAgent("hm1nd", (agent) => agent.last_turn?.result === "ok" && agent.state === "idle");
    return [fresh, await megabytes()];
  } finally {
    await hive.dispose();
  }
}

async function modelRequests(hive: TestHive): Promise<number> {
  const metrics = await (await hive.browser())("/metrics").then((answer) => answer.text());
  return [...metrics.matchAll(/^hive_model_requests_total\{[^}]*\} (\d+)/gm)].reduce((sum, one) => sum + Number(one[1]), 0);
}

/** Processor time of a process so far, in ticks. */
function ticks(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
