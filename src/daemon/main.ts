import { parseArgs } from "node:util";
import { readConfig } from "./config.ts";
import { printDoctor } from "./doctor.ts";
import { printHiveId, run } from "./run.ts";

const HELP = `hive-c0re: the hyperhive daemon

  hive-c0re serve [--foreground]   run the hive; --foreground stops the cages
                                   with it on Ctrl-C or SIGTERM
  hive-c0re doctor [--json]        check this host, and print the command that
                                   fixes each finding
  hive-c0re hive-id                print the id of the hive; an empty state
                                   folder gets one

Settings are read from the environment: HIVE_STATE_DIR, HIVE_RUN_DIR, HIVE_PORT,
HIVE_BIND, HIVE_PUBLIC_URL, HIVE_SCENARIOS, HIVE_UPSTREAM_URL, ANTHROPIC_API_KEY
or CLAUDE_CODE_OAUTH_TOKEN; docs/operations.md has them all.
`;

/** The exit code for an unknown command. */
const USAGE = 2;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      foreground: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [command] = positionals;
  if (values.help || command === undefined) {
    process.stdout.write(HELP);
    return values.help ? 0 : USAGE;
  }
  const config = readConfig(process.env, { foreground: values.foreground, serves: command === "serve" });
  if (command === "serve") return run(config);
  if (command === "hive-id") return printHiveId(config);
  if (command === "doctor") return printDoctor(config, { json: values.json });
  process.stderr.write(`unknown command "${command}"\n\n${HELP}`);
  return USAGE;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`hive-c0re: ${error instanceof Error ? error.message : String(error)}\n`);
    // Exit, because handles opened before the failure would keep a daemon alive that serves nothing.
    process.exit(1);
  },
);
