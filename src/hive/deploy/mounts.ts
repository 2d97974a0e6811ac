import type { RiskMark, TreeFile } from "../../wire/approval.ts";
import type { Agent } from "../agents/agent.ts";
import { CONFIG_FILE } from "../agents/agent-json.ts";
import { byPath, configOf } from "./tree.ts";
import type { DeployWorld } from "./world.ts";

/** What is wrong with the mounts of a new request on this host, each in words; empty when all of them work. */
export async function mountComplaints(
  world: DeployWorld,
  agent: Agent | undefined,
  files: readonly TreeFile[],
): Promise<string[]> {
  const { mounts } = configOf(byPath(files)).config;
  const trials = await world.tryMounts(agent, mounts);
  return trials.flatMap(({ problem }) => problem ?? []);
}

/** What is wrong with a new request: with its files, or where they fit, with its mounts on this host. */
export async function requestComplaints(
  world: DeployWorld,
  agent: Agent | undefined,
  files: readonly TreeFile[],
): Promise<string[]> {
  const complaints = world.validate(files, "request");
  return complaints.length > 0 ? complaints : mountComplaints(world, agent, files);
}

/** What the trial has found of the mounts that a change brings, for the card: only mounts that work get this far. */
export function mountMarks(base: readonly TreeFile[] | undefined, head: readonly TreeFile[]): RiskMark[] {
  const before = new Set(configOf(byPath(base ?? [])).config.mounts.map((mount) => JSON.stringify(mount)));
  return configOf(byPath(head))
    .config.mounts.filter((mount) => !before.has(JSON.stringify(mount)))
    .map(({ host, mode }) => ({
      level: "info",
      kind: "mount",
      text: `mount ${host}: ${mode === "rw" ? "writable" : "readable"} as the agent, tried on this host`,
      path: CONFIG_FILE,
    }));
}
