import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ROOT } from "./lib.mjs";

/** Writes the pages that are generated from the commands of hivectl: its man page and the shapes of its JSON. */
const { rolldown } = await import("rolldown");
const file = join(ROOT, "dist", "pages.mjs");
const bundle = await rolldown({ input: join(ROOT, "src/cli/pages.ts"), platform: "node", cwd: ROOT, logLevel: "warn" });
await bundle.write({ format: "esm", file, codeSplitting: false });
await bundle.close();
const { pages } = await import(file);
for (const [path, text] of Object.entries(pages())) {
  await mkdir(dirname(join(ROOT, path)), { recursive: true });
  await writeFile(join(ROOT, path), text);
  console.log(path);
}
await rm(file);
