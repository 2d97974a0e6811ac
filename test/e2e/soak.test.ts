import { expect, test } from "vitest";
import { soakCages } from "../../bench/soak/cages.ts";
import { soak } from "../../bench/soak/soak.ts";

test("random sends under kills of the daemon and of harnesses: nothing is lost, doubled, misdirected or reordered", async () => {
  const result = await soak({ sends: 400, agents: 3, daemonKills: 2, harnessKillShare: 0.02, seed: 7 });
  expect(result.violations).toEqual([]);
  expect(result).toMatchObject({ sent: 400, daemonKills: 2 });
  expect(result.delivered).toBeGreaterThanOrEqual(400);
});

test("the same with real cages, the real harness and the real CLI, with some cages killed whole", async () => {
  const result = await soakCages({ sends: 36, agents: 3, daemonKills: 1, cageKills: 2, seed: 7 });
  expect(result.violations).toEqual([]);
  expect(result).toMatchObject({ sent: 36, acknowledged: 36, daemonKills: 1 });
  expect(result.harnessKills).toBeGreaterThan(0);
});
