import { parseArgs } from "node:util";
import { soakCages } from "./cages.ts";
import { soak } from "./soak.ts";

/**
 * `npm run soak -- [--sends 10000] [--kills 30] [--seed N] [--cages]`: prints counts. Exits 1 when a guarantee was
 * broken. With `--cages` the harnesses are the real ones in their cages, and every message is a turn of the real CLI.
 */
const { values } = parseArgs({
  options: {
    sends: { type: "string", default: "10000" },
    agents: { type: "string", default: "10" },
    kills: { type: "string", default: "30" },
    cages: { type: "boolean", default: false },
    "cage-kills": { type: "string", default: "20" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const start = performance.now();
const common = {
  sends: Number(values.sends),
  agents: Number(values.agents),
  daemonKills: Number(values.kills),
  seed: Number(values.seed),
};
const result = values.cages
  ? await soakCages({ ...common, cageKills: Number(values["cage-kills"]) })
  : await soak({ ...common, harnessKillShare: 0.02 });
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
