// `npm run bench`, `npm run soak`, `npm run replay`: builds the hive and the tool, then runs the tool. Further arguments go
// to the tool.
import { join } from "node:path";
import { build } from "./build.mjs";
import { ROOT, foreground, has } from "./lib.mjs";
import { NO_ADDONS } from "./no-addons.mjs";
import { runScript, setUp } from "./setup.mjs";

const TOOLS = {
  bench: "bench/main.ts",
  screens: "dev/screens/main.ts",
  soak: "bench/soak/main.ts",
  replay: "test/campaigns/replay/main.ts",
  redteam: "test/redteam/main.ts",
};

/** Bundles a tool as the product's programs are, so that measured code never runs through a loader. Returns its file. */
export async function buildTool(name) {
  const { rolldown } = await import("rolldown");
  const bundle = await rolldown({
    input: join(ROOT, TOOLS[name]),
    platform: "node",
    cwd: ROOT,
    external: ["better-sqlite3", "playwright-core", "rolldown"],
    plugins: [NO_ADDONS],
    logLevel: "warn",
    onLog(level, log, handler) {
      if (log.code !== "EVAL") handler(level, log);
    },
  });
  const file = join(ROOT, "dist", "tools", `${name}.js`);
  await bundle.write({ format: "esm", file, sourcemap: true, codeSplitting: false });
  await bundle.close();
  return file;
}

if (process.argv[1] === import.meta.filename) {
  await runScript(async () => {
    const [name, ...rest] = process.argv.slice(2);
    if (!Object.hasOwn(TOOLS, name)) throw new Error(`name one of ${Object.keys(TOOLS).join(", ")}`);
    if (!(await setUp())) return;
    await build();
    if (name === "bench") {
      for (const [program, peer] of [
        ["nats-server", "NATS"],
        ["redis-server", "Redis"],
      ])
        if (!(await has(program))) console.error(`${peer} is not here: its rows are skipped; Debian's package is ${program}`);
    }
    process.exitCode = await foreground(process.execPath, ["--enable-source-maps", await buildTool(name), ...rest]);
  });
}
