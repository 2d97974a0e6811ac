import { dirname } from "node:path";
import { closeInherited } from "../os/close-inherited.ts";
import { HELP, readOptions } from "./options.ts";
import { oldState, plan, planWords } from "./move.ts";
import { start } from "./start.ts";

/** The checkout: this file is in its folder `dist` once it is bundled. */
const PROGRAM = dirname(import.meta.dirname);
/** The exit code for a command that is not understood. */
const USAGE = 2;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env["HIVE_STATE_DIR"] || undefined, oldState(process.env));
  if (!options) {
    process.stdout.write(HELP);
    return process.argv.length > 2 ? 0 : USAGE;
  }
  if (process.getuid?.() !== 0) throw new Error("only root can start it; a plain user starts the daemon itself: npm start");
  process.umask(0o022);
  // What root's shell or service manager has open is not for the daemon.
  closeInherited();
  if (options.dryRun) {
    const words = planWords(plan(options.state, options.old), options.state, options.user);
    process.stdout.write(
      `${(words.length === 0 ? ["no folder would be changed"] : words.map((one) => `would ${one}`)).join("\n")}\n`,
    );
    return 0;
  }
  const ended = await start(options, process.env, { program: PROGRAM, node: process.execPath, flags: process.execArgv });
  if ("code" in ended) return ended.code;
  // End as the daemon did, so that our parent process sees its signal.
  process.removeAllListeners(ended.signal);
  process.kill(process.pid, ended.signal);
  return 1;
}

main().then(
  // Exit, because connections of a daemon that was killed may still be open.
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`hive-w4rden: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
