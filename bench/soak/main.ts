import { parseArgs } from "node:util";
import { soak } from "./soak.ts";

/** `npm run soak -- [--sends 10000] [--kills 30] [--seed N]`: prints counts; exits 1 when a promise was broken. */
const { values } = parseArgs({
  options: {
    sends: { type: "string", default: "10000" },
    agents: { type: "string", default: "10" },
    kills: { type: "string", default: "30" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const start = performance.now();
const result = await soak({
  sends: Number(values.sends),
  agents: Number(values.agents),
  daemonKills: Number(values.kills),
  harnessKillShare: 0.02,
  seed: Number(values.seed),
});
console.log(`seed ${values.seed}, ${Math.round((performance.now() - start) / 1000)} s`);
console.log(
  `${result.sent} sends answered, under ${result.daemonKills} kills of the daemon and ${result.harnessKills} of harnesses`,
);
console.log(
  `${result.delivered} deliveries, ${result.redelivered} of them marked as redelivered; ${result.acknowledged} acknowledged`,
);
console.log(`broken promises: ${result.violations.length}`);
for (const words of result.violations.slice(0, 20)) console.log(`  ${words}`);
if (result.violations.length > 0) process.exitCode = 1;
