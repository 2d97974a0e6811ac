// `npm start`: from a fresh clone to a running hive. Later starts only check that everything is installed.
import { join } from "node:path";
import { build } from "./build.mjs";
import { DAEMON_FLAGS, ROOT, foreground } from "./lib.mjs";
import { runScript, setUp } from "./setup.mjs";

await runScript(async () => {
  if (!(await setUp())) return;
  await build();
  const daemon = [...DAEMON_FLAGS, join(ROOT, "dist", "hive-c0re.js"), "serve", "--foreground", ...process.argv.slice(2)];
  process.exitCode = await foreground(process.execPath, daemon, {}, (signal) =>
    console.error(`the daemon was killed (${signal}); the cages keep running: \`npm start\` takes them over`),
  );
});
