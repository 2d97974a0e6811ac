// `npm start`: from a fresh clone to a running hive. Later starts only check that everything is installed.
import { join } from "node:path";
import { build } from "./build.mjs";
import { DAEMON_FLAGS, ROOT, foreground } from "./lib.mjs";
import { runScript, setUp } from "./setup.mjs";

/** Root starts the daemon as a user of its own, unless the operator wants it to run as root. */
const AS_OWN_USER = process.getuid() === 0 && process.env.HIVE_AS_ROOT !== "1";

await runScript(async () => {
  if (!(await setUp())) return;
  await build();
  const serve = ["serve", "--foreground", ...process.argv.slice(2)];
  const [program, argv] = AS_OWN_USER
    ? [join(ROOT, "dist", "hive-w4rden"), ["start", "--", ...serve]]
    : [process.execPath, [...DAEMON_FLAGS, join(ROOT, "dist", "hive-c0re.js"), ...serve]];
  process.exitCode = await foreground(program, argv, {}, (signal) =>
    console.error(`the daemon was killed (${signal}); the cages keep running: \`npm start\` takes them over`),
  );
});
