// Builds everything that runs: the programs for Node and the interface. `npm run build`; `npm start` and `npm test`
// call it.
import { chmod, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { DAEMON_FLAGS, ROOT, exec, hashOfTree, readStamp, step } from "./lib.mjs";
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
  "scripts/code-cache.mjs",
  "scripts/lib.mjs",
  "scripts/no-addons.mjs",
  "vite.config.ts",
  "package-lock.json",
];

/**
 * The small young generation keeps 16 MB from each harness that is awake, which allocates little. The SDK warns that plain
 * names are allowed before it asks: that is what is meant.
 */
const HARNESS_FLAGS = ["--max-semi-space-size=2", "--disable-warning=CLAUDE_SDK_CAN_USE_TOOL_SHADOWED"];

/**
 * Programs: entry, output, and the flags that Node gets with it. Native and very large packages are not bundled. Each is
 * a script with its compiled code beside it, and a file of the same name that starts it (docs/adr/0069).
 */
const PROGRAMS = [
  { input: "src/daemon/main.ts", dir: "dist", name: "hive-c0re", flags: DAEMON_FLAGS },
  { input: "src/w4rden/main.ts", dir: "dist", name: "hive-w4rden", flags: DAEMON_FLAGS },
  // Split into chunks, because a user waits for every process that a verb starts: a verb loads only what it needs.
  { input: "src/cli/main.ts", dir: "dist", name: "hivectl", chunks: "chunks", minify: true, flags: [] },
  { input: "src/harness/main.ts", dir: "dist/harness", name: "hive-ag3nt", chunks: "parts", flags: HARNESS_FLAGS },
];
/**
 * Reads agents' files for operators, in a sandbox. It is so small that it starts as it is, as a script, because Node loads
 * modules more slowly.
 */
const READER = { input: "src/files/reader/main.ts", file: "dist/files/hive-files.cjs" };
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
const WRAPPER = `#!/bin/sh\nexec /opt/hive/bin/node ${HARNESS_FLAGS.join(" ")} /opt/hive/harness/hive-ag3nt.js "$@"\n`;

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
export const buildPrograms = () => Promise.all([...PROGRAMS.map(buildProgram), buildReader()]);

/** What every program is bundled with. */
const bundleOf = async (input, plugins = []) => {
  const { rolldown } = await import("rolldown");
  return rolldown({
    input: join(ROOT, input),
    platform: "node",
    external: EXTERNAL,
    plugins: [NO_ADDONS, ...plugins],
    cwd: ROOT,
    logLevel: "warn",
    checks: { pluginTimings: false },
    onLog(level, log, handler) {
      if (log.code !== "EVAL") handler(level, log);
    },
  });
};

/** Node keeps a text with one other character in twice the memory. An escape means the same in strings and expressions. */
const ASCII = {
  name: "ascii",
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle))
      if (chunk.type === "chunk")
        chunk.code = chunk.code.replaceAll(/[^\0-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
  },
};
const BANNER = "#!/usr/bin/env node";

/** Builds a program into a folder below the checkout or relative to it. */
export async function buildProgram({ input, dir, name, chunks, minify = false, flags, sourcemap = true }) {
  const bundle = await bundleOf(input, [ASCII]);
  const folder = join(ROOT, dir);
  const to = chunks
    ? { dir: folder, entryFileNames: `${name}.cjs`, chunkFileNames: `${chunks}/[name]-[hash].cjs` }
    : { file: join(folder, `${name}.cjs`), codeSplitting: false };
  // `import()` in a script that has stored code would need an interface of Node that is experimental.
  const { output } = await bundle.write({ format: "cjs", dynamicImportInCjs: false, sourcemap, minify, ...to });
  await bundle.close();
  // Only now: a program that starts while it is built anew still finds its parts.
  if (chunks) await keepOnly(join(folder, chunks), new Set(output.map(({ fileName }) => basename(fileName))));
  await buildStarter(join(folder, `${name}.js`));
  const parts = output.filter((one) => one.type === "chunk" && !one.isEntry).map(({ fileName }) => join(folder, fileName));
  await exec(process.execPath, [...flags, join(ROOT, "scripts/code-cache.mjs"), join(folder, `${name}.cjs`), ...parts]);
}

/** The file of a program that Node starts. */
async function buildStarter(file) {
  const bundle = await bundleOf("src/starter/main.ts");
  await bundle.write({ format: "esm", file, codeSplitting: false, banner: BANNER });
  await bundle.close();
  await chmod(file, 0o755);
}

async function buildReader() {
  const bundle = await bundleOf(READER.input);
  await bundle.write({ format: "cjs", file: join(ROOT, READER.file), codeSplitting: false, sourcemap: true });
  await bundle.close();
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

/** A smaller file is not compressed: it would save less than the header costs. */
const MIN_GZIP_BYTES = 1024;

async function buildInterface() {
  const vite = await import("vite");
  await vite.build({ configFile: join(ROOT, "vite.config.ts"), logLevel: "warn" });
  // The daemon sends these as they are (src/daemon/http/static.ts).
  for (const entry of await readdir(join(DIST, "ui"), { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || /\.(?:png|woff2)$/.test(file)) continue;
    const plain = await readFile(file);
    if (plain.length >= MIN_GZIP_BYTES) await writeFile(`${file}.gz`, gzipSync(plain, { level: 9 }));
  }
}

if (process.argv[1] === import.meta.filename) {
  await runScript(async () => {
    if (!(await setUp())) return;
    if (!(await build({ force: process.argv.includes("--force") }))) console.log("everything is built");
  });
}
