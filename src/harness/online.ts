import { constants } from "node:os";
import { join } from "node:path";
import { startChild } from "../os/run.ts";
import { openBridge } from "./bridge.ts";
import type { HarnessConfig } from "./config.ts";
import { proxyEnvironment } from "./proxy-environment.ts";

/** A shell's exit code of a program that a signal ended: this and the signal's number. */
const SIGNALLED = 128;

/**
 * Runs a program that reaches hosts through `egress.sock`, with our environment. Resolves with its exit code, as a
 * shell has it. What it has left running is not waited for.
 */
export async function runOnline(config: HarnessConfig, env: NodeJS.ProcessEnv, argv: readonly string[]): Promise<number> {
  const [program, ...args] = argv;
  if (program === undefined) throw new Error("online needs a program: hive-ag3nt online -- <program> [arguments]");
  const egress = await openBridge(join(config.socketsDir, "egress.sock"));
  const own = Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  const child = startChild(program, args, {
    env: { ...own, ...proxyEnvironment(`http://127.0.0.1:${egress.port}`, own) },
    cwd: process.cwd(),
  });
  child.stdin?.end();
  child.stdout?.pipe(process.stdout);
  child.stderr?.pipe(process.stderr);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? SIGNALLED + (signal === null ? 0 : constants.signals[signal])));
  });
}
