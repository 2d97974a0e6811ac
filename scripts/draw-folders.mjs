// Draws the table of folders in ARCHITECTURE.md: `node scripts/draw-folders.mjs`. A test compares them.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { ROOT } from "./lib.mjs";

const bundle = await rolldown({ input: join(ROOT, "test/lib/folders.ts"), platform: "node", cwd: ROOT });
const { output } = await bundle.generate({ format: "esm" });
const { foldersTable } = await import(`data:text/javascript;base64,${Buffer.from(output[0].code).toString("base64")}`);
const file = join(ROOT, "ARCHITECTURE.md");
const page = readFileSync(file, "utf8");
writeFileSync(
  file,
  page.replace(/(<!-- folders -->\n\n)[\s\S]*?(\n\n<!-- \/folders -->)/, (_, before, after) => before + foldersTable() + after),
);
