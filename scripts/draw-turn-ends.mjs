// Draws the table of turn ends in docs/reliability.md: `node scripts/draw-turn-ends.mjs`. A test compares them.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { ROOT } from "./lib.mjs";

const bundle = await rolldown({ input: join(ROOT, "src/wire/turn-ends-page.ts"), platform: "node", cwd: ROOT });
const { output } = await bundle.generate({ format: "esm" });
const { turnEndsTable } = await import(`data:text/javascript;base64,${Buffer.from(output[0].code).toString("base64")}`);
const file = join(ROOT, "docs/reliability.md");
const page = readFileSync(file, "utf8");
writeFileSync(
  file,
  page.replace(
    /(<!-- turn ends -->\n\n)[\s\S]*?(\n\n<!-- \/turn ends -->)/,
    (_, before, after) => before + turnEndsTable() + after,
  ),
);
