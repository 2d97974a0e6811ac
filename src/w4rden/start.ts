import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { UNIX_PEER } from "../lib/trusted-proxy.ts";
import { delegate } from "../os/delegate.ts";
import { unixUser } from "../os/unix-user.ts";
import { CONTAINER_DRIVER } from "../wire/w4rden.ts";
import { uidRange } from "../platforms/uids.ts";
import { openAccount, type Account } from "./account.ts";
import { Binds } from "./binds.ts";
import { Containers } from "./containers/containers.ts";
import { nixosHost } from "./containers/host.ts";
import type { VerbContext } from "./context.ts";
import { startDaemon } from "./daemon.ts";
import { daemonEnvironment } from "./environment.ts";
import { carryOut, plan, planWords } from "./move.ts";
import type { Options } from "./options.ts";
import { makePlace, takeCredentials } from "./place.ts";
import { Hives } from "./range.ts";
import { openSocket } from "./socket.ts";
import { daemonStdio, lastOutput, showOutput } from "./terminal.ts";
import { takeStateFolder } from "./state-folder.ts";

/** Maximum characters that the daemon prints as its hive's id, with a line end. */
const MAX_ID_CHARS = 64;

/** How the daemon ended. */
export type Ended = { code: number } | { signal: NodeJS.Signals };

/**
 * Starts the daemon as its user and resolves when it has ended. Forwards signals to it. Restarts nothing. `program` is
 * the checkout, `node` the program that runs it, with `flags`.
 */
export async function start(
  options: Options,
  env: NodeJS.ProcessEnv,
  host: { program: string; node: string; flags: readonly string[] },
): Promise<Ended> {
  makePlace(host);
  const account = openAccount(options.user);
  const hives = new Hives(options.etc);
  takeState(options, account);
  const base = {
    account,
    state: options.state,
    flags: host.flags,
    env: daemonEnvironment(env, {
      account,
      state: options.state,
      program: host.program,
      credentials: takeCredentials(env["CREDENTIALS_DIRECTORY"], account),
    }),
  };
  const hiveId = await hives.idOf(options.state, () => askId(base));
  const group = delegate(`hyperhive-${hiveId}`, account);
  const range = uidRange(hiveId);
  const { state, etc } = options;
  const run = env["HIVE_RUN_DIR"] || join(state, "run");
  const proxy = await proxyUser(env);
  const programs = [host.program, host.node];
  const context: VerbContext = { account, range, state, run, proxy, etc, programs, binds: new Binds() };
  // Root's own environment decides. A helper whose hive runs other cages starts no container.
  if (env["HIVE_DRIVER"] === CONTAINER_DRIVER) context.containers = new Containers(nixosHost(), hiveId, context);
  const socket = await openSocket(context, complain);
  const daemon = await startDaemon({
    ...base,
    range,
    argv: options.daemon,
    stdio: daemonStdio(),
    ...(group ? { inside: group.inside, onPid: (pid: number) => group.join(pid) } : {}),
  });
  showOutput(daemon);
  forwardSignals(daemon);
  const [code, signal] = (await once(daemon, "exit")) as [number | null, NodeJS.Signals | null];
  await lastOutput(daemon);
  socket.close();
  group?.remove();
  return endOf(code, signal);
}

/** The Unix user of the trusted proxy. An odd value is the daemon's to refuse. */
async function proxyUser({ HIVE_TRUSTED_PROXY: text }: NodeJS.ProcessEnv): Promise<{ uid: number } | undefined> {
  return text?.startsWith(UNIX_PEER) ? unixUser(text.slice(UNIX_PEER.length)) : undefined;
}

/** Makes the state folder the daemon's. Says what it moves and gives away. */
function takeState({ state, old }: Options, account: Account): void {
  const planned = plan(state, old);
  for (const words of planWords(planned, state, account.name)) process.stderr.write(`hive-w4rden: ${words}\n`);
  carryOut(planned, state);
  takeStateFolder(state, account);
}

/** Reports a defect. The helper goes on: the daemon needs it. */
function complain(error: unknown): void {
  process.stderr.write(`hive-w4rden: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}

/** Asks the program for the id of its hive. It is given no uid but its own meanwhile, because the id determines them. */
async function askId(base: {
  account: Account;
  state: string;
  flags: readonly string[];
  env: Record<string, string>;
}): Promise<string> {
  const child = await startDaemon({ ...base, range: undefined, argv: ["hive-id"], stdio: "pipe" });
  let [out, errors] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (out = (out + text).slice(0, MAX_ID_CHARS)));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (errors = (errors + text).slice(-MAX_ERROR_CHARS)));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`the hive in ${base.state} cannot be opened: ${errors.trim()}`);
  return out;
}
const MAX_ERROR_CHARS = 4096;

function forwardSignals(daemon: ChildProcess): void {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => daemon.kill(name));
}

function endOf(code: number | null, signal: NodeJS.Signals | null): Ended {
  return signal === null ? { code: code ?? 1 } : { signal };
}
