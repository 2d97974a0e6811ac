// Draws docs/states.md and docs/change-states.md from the tables of states: `node scripts/draw-states.mjs`. Tests compare
// them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { ROOT } from "./lib.mjs";

async function draw(source, exported, page) {
  const bundle = await rolldown({ input: join(ROOT, source), platform: "node", cwd: ROOT });
  const { output } = await bundle.generate({ format: "esm" });
  const module = await import(`data:text/javascript;base64,${Buffer.from(output[0].code).toString("base64")}`);
  writeFileSync(join(ROOT, page), module[exported]());
}

await draw("src/deploys/states-page.ts", "statesPage", "docs/states.md");
await draw("src/work/states-page.ts", "changeStatesPage", "docs/change-states.md");
