// `npm run dev`: builds and runs a separate hive under `.dev/`, and rebuilds and restarts it whenever a source changes.
// Cages survive a restart, as in production.
import { spawn } from "node:child_process";
import { watch } from "node:fs";
import { join } from "node:path";
import { build } from "./build.mjs";
import { DAEMON_FLAGS, ROOT } from "./lib.mjs";
import { runScript, setUp } from "./setup.mjs";

const SETTLE_MS = 200;
const STATE = join(ROOT, ".dev", "state");

let daemon;
let timer;
let isEnding = false;

function start() {
  daemon = spawn(process.execPath, [...DAEMON_FLAGS, join(ROOT, "dist", "hive-c0re.js"), "serve"], {
    cwd: ROOT,
    stdio: "inherit",
    env: { HIVE_STATE_DIR: STATE, ...process.env },
    detached: true,
  });
}

async function end(signal) {
  if (!daemon || daemon.exitCode !== null) return;
  const ended = new Promise((resolve) => daemon.once("close", resolve));
  daemon.kill(signal);
  await ended;
}

async function again() {
  try {
    if (!(await build())) return;
  } catch (error) {
    console.error(error.message);
    return;
  }
  await end("SIGTERM");
  if (!isEnding) start();
}

await runScript(async () => {
  if (!(await setUp())) return;
  await build();
  start();
  for (const folder of ["src", "ui", "dev"]) {
    watch(join(ROOT, folder), { recursive: true }, () => {
      clearTimeout(timer);
      timer = setTimeout(() => void again(), SETTLE_MS);
    });
  }
  process.once("SIGINT", () => void leave());
});

async function leave() {
  isEnding = true;
  await end("SIGTERM");
  console.log(
    `the cages of the dev hive live on; \`npx hivectl --socket ${join(STATE, "run", "host.sock")} shutdown\` stops them while it runs`,
  );
  process.exit(0);
}
