import { expect, test } from "vitest";
import { soak } from "../../bench/soak/soak.ts";

test("random sends under kills of the daemon and of harnesses: nothing is lost, doubled, misled or overtaken", async () => {
  const result = await soak({ sends: 400, agents: 4, daemonKills: 2, harnessKillShare: 0.02, seed: 7 });
  expect(result.violations).toEqual([]);
  expect(result).toMatchObject({ sent: 400, daemonKills: 2 });
  expect(result.delivered).toBeGreaterThanOrEqual(400);
});
