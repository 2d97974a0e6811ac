// `npm test`: set-up, build, and every test. Arguments go to vitest: `npm test -- src/messages`.
import { join } from "node:path";
import { build } from "./build.mjs";
import { ROOT, foreground } from "./lib.mjs";
import { runScript, setUp } from "./setup.mjs";

await runScript(async () => {
  if (!(await setUp({ forTests: true }))) return;
  await build();
  process.exitCode = await foreground(process.execPath, [
    join(ROOT, "node_modules", "vitest", "vitest.mjs"),
    "run",
    ...process.argv.slice(2),
  ]);
});
