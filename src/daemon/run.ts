import { findHivectlIn, hivectl, hivectlName } from "../lib/hivectl.ts";
import { join } from "node:path";
import { ownFolder } from "../lib/own-folder.ts";
import { Paths } from "../lib/paths.ts";
import { allStoppedWords } from "../wire/words.ts";
import { CONTAINER_DRIVER } from "../wire/w4rden.ts";
import { takeLock } from "../store/lock.ts";
import { openStore } from "../store/store.ts";
import { checkContainerHost, checkHost } from "./checks.ts";
import type { Config } from "./config.ts";
import { openSystem, type System } from "./system.ts";
import type { Overrides } from "./system-deps.ts";
import { openHiveId } from "./hive-id.ts";
import { findW4rden } from "./w4rden.ts";
import { serveWeb, type Web } from "./http/serve.ts";
import { openLog, type Log } from "./log.ts";

/** The maximum length of a socket path. The kernel allows 107 bytes, and its error for longer ones is unclear. */
const MAX_SOCKET_PATH = 100;

/**
 * Runs the hive until a signal or a request stops it. Resolves with the exit code. `overrides` is for tests, which have
 * their own entry point. The program passes none, and no environment variable sets one.
 */
export async function run(config: Config, overrides: Pick<Overrides, "failpoint" | "login" | "web"> = {}): Promise<number> {
  process.umask(0o022);
  // Root's helper, or a terminal, may be gone: that ends nothing.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  findHivectlIn(config.path);
  const paths = new Paths(ownFolder("HIVE_STATE_DIR", config.stateDir), ownFolder("HIVE_RUN_DIR", config.runDir));
  checkSocketPaths(paths);
  paths.prepare();
  const lock = takeLock(paths.lock);
  const log = openLog(config, join(config.stateDir, "daemon.log"));
  const containers = config.driver === CONTAINER_DRIVER ? await checkContainerHost(config.path, findW4rden() !== undefined) : [];
  for (const problem of [...checkHost(config.path), ...containers])
    if (problem.level === "error") throw new Error(`${problem.what}: ${problem.mend}`);

  const stopping = new Promise<string>((resolve) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => resolve(name));
    shutdown = resolve;
  });
  const hive = await openSystem({
    config,
    paths,
    log,
    requestShutdown: (words) => shutdown(words),
    onFatal: (error) => die(log, error),
    overrides,
  });
  const web = await serveWeb(config, paths, hive, log);
  await hive.boot();
  process.stdout.write(banner(config, hive));

  const why = await stopping;
  await stop(config, hive, web, why);
  lock.release();
  return 0;
}

let shutdown: (words: string) => void = () => {};

/** Prints the id of the hive in the state folder. Makes a hive there if there is none. Refuses while a daemon runs. */
export async function printHiveId(config: Config): Promise<number> {
  const paths = new Paths(ownFolder("HIVE_STATE_DIR", config.stateDir), ownFolder("HIVE_RUN_DIR", config.runDir));
  const lock = takeLock(paths.lock);
  const store = openStore({
    file: paths.database,
    onFatal(error) {
      throw error;
    },
  });
  process.stdout.write(`${await openHiveId(store)}\n`);
  store.close();
  lock.release();
  return 0;
}

/** In the foreground, or on a shutdown request, the cages stop first. Under a service manager they keep running. */
async function stop(config: Config, hive: System, web: Web, why: string): Promise<void> {
  const isSignal = why.startsWith("SIG");
  if (!isSignal || config.foreground) {
    process.stdout.write("\nstopping the cages; a running turn may finish (30 s), Ctrl-C again stops at once\n");
    const hurry = (): void => void hive.killCages();
    process.on("SIGINT", hurry);
    await hive.stopCages(why);
    process.off("SIGINT", hurry);
  }
  web.close();
  await hive.close();
  process.stdout.write("stopped\n");
}

function banner(config: Config, hive: System): string {
  const lines = ["", `  ◆ hyperhive  ${hive.sessions.launch(hive.urls.home).url}`, ""];
  if (hive.access.mode === "rehearsal") {
    lines.push(
      "  REHEARSAL: there is no credential, so a scripted model answers; everything else is real.",
      "  Set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN to use a real model,",
      `  or log in with a Claude subscription: ${hivectl("login --model")}`,
      "",
    );
  } else {
    lines.push(`  live: model requests go to ${hive.access.name}`, "");
  }
  for (const words of hive.driver.cannot()) lines.push(`  note: ${words}`);
  const stopped = hive.allStop.view;
  const isAnyUp = hive.swarm.all().some((agent) => agent.isUp);
  if (stopped)
    lines.push(`  note: ${allStoppedWords(stopped, isAnyUp)} (${hivectl("start --what-ran")}, or the button of the page)`);
  lines.push(
    `  state  ${config.stateDir}`,
    `  ${config.foreground ? "Ctrl-C stops the hive and its cages" : "SIGTERM ends the daemon; the cages keep running"}; ${hivectlName()} --help`,
    "",
  );
  return `${lines.join("\n")}\n`;
}

function checkSocketPaths(paths: Paths): void {
  // The longest possible path: a name of 32 letters.
  const longest = join(paths.sockets({ name: "x".repeat(32), role: "agent" }), "egress.sock");
  if (Buffer.byteLength(longest) > MAX_SOCKET_PATH) {
    throw new Error(
      `the socket paths under ${paths.run} would be longer than ${MAX_SOCKET_PATH} bytes: set HIVE_RUN_DIR to a shorter folder`,
    );
  }
}

/** Ends the process. After a failed write the state on disk is uncertain, so a new process must read it again. */
function die(log: Log, error: Error): never {
  log.fatal({ err: error }, "the disk failed");
  process.exit(70);
}
