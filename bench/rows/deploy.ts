import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanEnv, TestHive } from "../../test/lib/hive.ts";
import { findClaude } from "../../src/daemon/runtime-files.ts";
import { BareCli } from "../lib/bare-cli.ts";
import type { Row } from "../lib/row.ts";
import { interleave, median } from "../lib/stats.ts";

/** Deploys in one slice. */
const DEPLOYS = 3;

/** The time of a deploy: from the approval to the confirmed generation in the ledger. */
export const deploy: Row = {
  name: "deploy",
  async run({ quick }) {
    const hive = new TestHive({ HIVE_LOG_LEVEL: "error" }).play([{ when: { text: "." }, steps: [{ say: "ok" }] }]);
    const folder = mkdtempSync(join(tmpdir(), "bench-git-"));
    // An unused port: no request is made.
    const cli = new BareCli(findClaude(undefined), "http://127.0.0.1:9");
    const git = (...args: string[]): void => {
      const done = spawnSync("git", ["-c", "core.fsync=all", "-c", "user.name=b", "-c", "user.email=b@hive.invalid", ...args], {
        cwd: folder,
        env: cleanEnv({ HOME: folder }),
      });
      if (done.status !== 0) throw new Error(done.stderr.toString());
    };
    try {
      await hive.start();
      await hive.call("spawn", { name: "ada" });
      git("init", "-q");
      let nth = 0;
      const seen = await interleave(
        {
          deploy: () => times(DEPLOYS, () => oneDeploy(hive, ++nth)),
          start: () => times(DEPLOYS, () => oneStart(hive)),
          cli: () => times(DEPLOYS, () => oneInitialize(cli)),
          commit: () =>
            times(DEPLOYS, async () => {
              writeFileSync(join(folder, "agent.json"), JSON.stringify({ nth: ++nth }));
              git("add", "-A");
              const began = performance.now();
              git("commit", "-qm", "change");
              return performance.now() - began;
            }),
        },
        quick ? 2 : 6,
      );
      const p50 = (slices: number[][]): number => median(slices.flat());
      const [took, start, cold, commit] = [p50(seen.deploy), p50(seen.start), p50(seen.cli), p50(seen.commit)];
      const value = took / (start + cold + commit);
      const ms = (one: number): string => `${Math.round(one)} ms`;
      return [
        {
          what: "approval → deployed and confirmed, to a start of the harness in its cage, a start of the bare CLI and a git commit",
          value,
          unit: "×",
          reach: { most: 4 },
          detail: `deploy ${ms(took)}, start ${ms(start)}, CLI ${ms(cold)}, commit ${ms(commit)} (p50)`,
        },
      ];
    } finally {
      await hive.dispose();
      await cli.dispose();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function times(count: number, one: () => Promise<number>): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < count; n++) took.push(await one());
  return took;
}

async function oneDeploy(hive: TestHive, nth: number): Promise<number> {
  const base64 = Buffer.from(JSON.stringify({ model: `m${nth}` })).toString("base64");
  await hive.untilAgent("ada", (agent) => agent.deploying === undefined);
  const { request: id } = await hive.call("propose", { agent: "ada", files: [{ path: "agent.json", mode: "100644", base64 }] });
  const { seq } = (await hive.call("state", { messages: 0 })).state;
  const deployed = hive.watch(
    (event) => event.kind === "approval" && event.approval.id === id && event.approval.state === "deployed",
    { after: seq, kinds: ["approval"] },
  );
  const began = performance.now();
  await hive.call("approve", { id });
  await deployed;
  return performance.now() - began;
}

/** From the start of the CLI until it has answered `initialize`. */
async function oneInitialize(cli: BareCli): Promise<number> {
  const began = performance.now();
  cli.start();
  await cli.initialized();
  const took = performance.now() - began;
  await cli.stop();
  return took;
}

/** From the call to the harness's hello, when the agent is no longer starting. */
async function oneStart(hive: TestHive): Promise<number> {
  await hive.untilAgent("ada", (agent) => agent.deploying === undefined);
  await hive.call("kill", { name: "ada" });
  const listening = Promise.withResolvers<void>();
  const up = hive.watch(
    (event) => {
      if (event.kind !== "agent" || event.agent.name !== "ada") return false;
      listening.resolve();
      return event.agent.running && event.agent.state_reason === undefined;
    },
    { kinds: ["agent"] },
  );
  // The stream begins with the stopped agent. A start before that would not be seen.
  await listening.promise;
  const began = performance.now();
  await hive.call("start", { scope: { agent_names: ["ada"] } });
  await up;
  return performance.now() - began;
}
