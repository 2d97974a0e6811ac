// Draws docs/states.md from the table of states: `node scripts/draw-states.mjs`. A test compares them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { ROOT } from "./lib.mjs";

const bundle = await rolldown({ input: join(ROOT, "src/deploys/states-page.ts"), platform: "node", cwd: ROOT });
const { output } = await bundle.generate({ format: "esm" });
const { statesPage } = await import(`data:text/javascript;base64,${Buffer.from(output[0].code).toString("base64")}`);
writeFileSync(join(ROOT, "docs/states.md"), statesPage());
