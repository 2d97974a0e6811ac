import { expect, test } from "vitest";
import { AgentConfig } from "../wire/config.ts";
import { Agent } from "./agent.ts";
import { DiskWatch } from "./disk-watch.ts";

const MIB = 1024 * 1024;

test("warns near the limit, takes the warning back, stops over it, and leaves alone what it cannot measure", async () => {
  const agents = ["near", "over", "unknown"].map(
    (name) =>
      new Agent({ id: name, name } as never, {
        config: AgentConfig.parse({ limits: { disk_mib: 100 } }),
        instructions: "",
        warnings: [],
      }),
  );
  const [near, over, unknown] = agents as [Agent, Agent, Agent];
  const used = new Map<string, number | undefined>([
    ["near", 95 * MIB],
    ["over", 100 * MIB + 1],
    ["unknown", undefined],
  ]);
  const halted: string[] = [];
  const changed: string[] = [];
  const watch = new DiskWatch({
    awake: () => agents,
    bytesOf: async (agent) => used.get(agent.id),
    folderOf: (agent) => `/agents/${agent.id}`,
    halt: async (agent, reason) => void halted.push(`${agent.name}: ${reason}`),
    changed: (agent) => void changed.push(agent.name),
    everyMs: 1000,
    onUnexpected(error) {
      throw error;
    },
  });
  await watch.runOnce();
  expect(near.diskWarning).toBe("its disk is nearly full: 95 of 100 MiB");
  expect(halted).toEqual(["over: over its disk limit (101 of 100 MiB): free room in /agents/over, then start it again"]);
  expect([over.diskWarning, unknown.diskWarning]).toEqual([undefined, undefined]);
  used.set("near", 89 * MIB);
  used.set("over", 100 * MIB);
  await watch.runOnce();
  await watch.runOnce();
  expect(near.diskWarning).toBeUndefined();
  expect(halted).toHaveLength(1);
  // Told when something has changed, and only then.
  expect(changed).toEqual(["near", "near", "over"]);
});
