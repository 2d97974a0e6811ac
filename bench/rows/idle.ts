import { readFileSync } from "node:fs";
import { descendants, residentBytes } from "../../src/os/process-tree.ts";
import { commandLine, TestHive } from "../../test/lib/hive.ts";
import type { Row } from "../lib/row.ts";

/** Clock ticks per second in /proc: a constant of Linux on every machine that we run on. */
const TICKS = 100;
const AGENTS = 20;
const MB = 1_000_000;

/** What agents cost that do nothing: awake the harness's memory; asleep nothing at all. */
export const idle: Row = {
  name: "idle",
  async run({ idleSeconds, quick }) {
    const hive = new TestHive({ HIVE_SLEEP_AFTER_SECONDS: "4", HIVE_LOG_LEVEL: "error", HIVE_AGENT_PORTS: "off" });
    try {
      await hive.start();
      await hive.untilAgent("hm1nd", (agent) => agent.state === "idle");
      const harness = (await hive.cage("hm1nd")).all().filter((pid) => commandLine(pid).includes("hive-ag3nt.js"));
      const resident = Math.max(...harness.map(residentBytes)) / MB;
      for (let nth = 0; nth < AGENTS; nth++) await hive.call("spawn", { name: `i${nth}` });
      while (descendants(hive.pid).length > 0 || cagesOf(hive) > 0) await new Promise((resolve) => setTimeout(resolve, 100));
      const seconds = quick ? 10 : idleSeconds;
      const before = ticks(hive.pid);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      const share = ((ticks(hive.pid) - before) / TICKS / seconds) * 100;
      const metrics = await (await hive.browser())("/metrics").then((answer) => answer.text());
      const requests = [...metrics.matchAll(/^hive_model_requests_total\{[^}]*\} (\d+)/gm)].reduce(
        (sum, one) => sum + Number(one[1]),
        0,
      );
      return [
        {
          what: "a harness awake without the CLI, resident memory",
          value: resident,
          unit: "MB",
          reach: { most: 100 },
          detail: "of the harness's process",
        },
        {
          what: `processes of ${AGENTS + 1} agents asleep`,
          value: cagesOf(hive),
          unit: "",
          reach: { most: 0 },
          detail: `over ${seconds} s`,
        },
        {
          what: "the daemon's processor time beside them",
          value: share,
          unit: "%",
          reach: { most: 1 },
          detail: `over ${seconds} s`,
        },
        { what: "requests at the gateway", value: requests, unit: "", reach: { most: 0 }, detail: `since the start` },
      ];
    } finally {
      await hive.dispose();
    }
  },
};

/** Processes of this hive's cages: they name their folder. */
function cagesOf(hive: TestHive): number {
  return descendants(1).filter((pid) => pid !== hive.pid && pid !== process.pid && commandLine(pid).includes(`${hive.folder}/`))
    .length;
}

function ticks(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
