// Builds everything that runs: the programs for Node and the interface. `npm run build`; `npm start` and `npm test`
// call it.
import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DAEMON_FLAGS, ROOT, hashOfTree, readStamp, step } from "./lib.mjs";
import { nodeForPrograms } from "./node.mjs";
import { NO_ADDONS } from "./no-addons.mjs";
import { runScript, setUp } from "./setup.mjs";

const DIST = join(ROOT, "dist");
const STAMP = join(DIST, ".stamp");
/** The sources of the programs. */
const SOURCES = [
  "src",
  "ui",
  "dev/scenarios/tour.json",
  "scripts/build.mjs",
  "scripts/lib.mjs",
  "scripts/no-addons.mjs",
  "vite.config.ts",
  "package-lock.json",
];

/** Programs: entry and output. Native and very large packages are not bundled. */
const PROGRAMS = [
  { input: "src/daemon/main.ts", file: "dist/hive-c0re.js" },
  { input: "src/w4rden/main.ts", file: "dist/hive-w4rden.js" },
  // Split into chunks, because a user waits for every process that a verb starts: a verb loads only what it needs.
  { input: "src/cli/main.ts", dir: "dist", name: "hivectl.js", chunks: "chunks/[name]-[hash].js", minify: true },
  { input: "src/harness/main.ts", dir: "dist/harness", name: "hive-ag3nt.js" },
  // It reads agents' files for operators, in a sandbox.
  { input: "src/files/reader/main.ts", file: "dist/files/hive-files.js" },
];
const EXTERNAL = ["better-sqlite3"];

/** Programs that people start. Each is a shell script that finds the right Node. */
const STARTERS = [
  { name: "hive-c0re", flags: DAEMON_FLAGS },
  { name: "hivectl", flags: [] },
  // Its mounts are in a namespace of its own. It passes the flags on to the daemon.
  { name: "hive-w4rden", flags: DAEMON_FLAGS, inside: "unshare --mount --propagation slave -- " },
];
/** The names of the harness in a cage: two roles of one program. */
const WRAPPERS = ["hive-ag3nt", "hive-m1nd"];
/**
 * The SDK warns that plain names are allowed before it asks: that is what is meant. A small young generation keeps 16 MB
 * from each harness that is awake, which allocates little.
 */
const HARNESS_FLAGS = "--max-semi-space-size=2 --disable-warning=CLAUDE_SDK_CAN_USE_TOOL_SHADOWED";
const WRAPPER = `#!/bin/sh\nexec /opt/hive/bin/node ${HARNESS_FLAGS} /opt/hive/harness/hive-ag3nt.js "$@"\n`;

/** Builds what has changed since the last build. Returns false if nothing had. */
export async function build({ force = false } = {}) {
  const node = await nodeForPrograms();
  const hash = `${node} ${await hashOfTree(SOURCES)}`;
  if (!force && (await readStamp(STAMP)) === hash) return false;
  await mkdir(DIST, { recursive: true });
  await rm(STAMP, { force: true });
  await step("building the programs", () => Promise.all([buildPrograms(), writeWrappers(), writeStarters(node)]));
  await step("building the interface", buildInterface);
  await writeFile(STAMP, hash);
  return true;
}

/** Builds the programs alone. */
export const buildPrograms = () => Promise.all(PROGRAMS.map(buildProgram));

async function buildProgram({ input, file, dir, name, chunks, minify = false }) {
  const { rolldown } = await import("rolldown");
  const bundle = await rolldown({
    input: join(ROOT, input),
    platform: "node",
    external: EXTERNAL,
    plugins: [NO_ADDONS],
    cwd: ROOT,
    logLevel: "warn",
    checks: { pluginTimings: false },
    // Bundled CommonJS calls `require`, which a module has to create.
    onLog(level, log, handler) {
      if (log.code !== "EVAL") handler(level, log);
    },
  });
  const banner = "#!/usr/bin/env node";
  const to = file
    ? { file: join(ROOT, file), codeSplitting: false }
    : {
        dir: join(ROOT, dir),
        entryFileNames: name,
        chunkFileNames: chunks ?? "[name]-[hash].js",
        cleanDir: chunks === undefined,
      };
  const { output } = await bundle.write({
    format: "esm",
    sourcemap: true,
    minify,
    banner: (chunk) => (chunk.isEntry ? banner : ""),
    ...to,
  });
  await bundle.close();
  // Only now: a program that starts while it is built anew still finds its parts.
  if (chunks) await keepOnly(join(ROOT, dir, dirname(chunks)), new Set(output.map(({ fileName }) => basename(fileName))));
  for (const chunk of output)
    if (chunk.type === "chunk" && chunk.isEntry) await chmod(join(ROOT, file ?? join(dir, chunk.fileName)), 0o755);
}

/** Removes the files of a folder that have other names than these. */
async function keepOnly(folder, names) {
  for (const name of await readdir(folder)) if (!names.has(name)) await rm(join(folder, name));
}

async function writeWrappers() {
  await mkdir(join(DIST, "bin"), { recursive: true });
  for (const name of WRAPPERS) await writeFile(join(DIST, "bin", name), WRAPPER, { mode: 0o755 });
}

/** A starter resolves its own path, because `npx` runs it through a link. */
async function writeStarters(node) {
  for (const { name, flags, inside = "" } of STARTERS) {
    const command = [node, ...flags].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    const text = `#!/bin/sh\nexec ${inside}${command} "$(dirname "$(readlink -f "$0")")/${name}.js" "$@"\n`;
    // A build of an earlier version had a folder of that name.
    await rm(join(DIST, name), { recursive: true, force: true });
    await writeFile(join(DIST, name), text, { mode: 0o755 });
  }
}

async function buildInterface() {
  const vite = await import("vite");
  await vite.build({ configFile: join(ROOT, "vite.config.ts"), logLevel: "warn" });
}

if (process.argv[1] === import.meta.filename) {
  await runScript(async () => {
    if (!(await setUp())) return;
    if (!(await build({ force: process.argv.includes("--force") }))) console.log("everything is built");
  });
}
