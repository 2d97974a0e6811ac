import { connect } from "node:net";
import { join } from "node:path";
import { startOnTerminal } from "../os/terminal.ts";
import { openBridge } from "./bridge.ts";
import type { HarnessConfig } from "./config.ts";
import { proxyEnvironment } from "./proxy-environment.ts";

/** So wide that the CLI breaks neither an address nor a token. Columns and rows. */
const SCREEN = { rows: 50, columns: 1000 };

/**
 * Runs the CLI's flow for a long-lived token in the cage of a log-in. Its screen and its keys are `login.sock` of the
 * daemon. Resolves with the CLI's exit code. When the daemon closes the socket, the flow ends.
 */
export async function runLogin(config: HarnessConfig, env: NodeJS.ProcessEnv): Promise<number> {
  const egress = await openBridge(join(config.socketsDir, "egress.sock"));
  const own = Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  const daemon = connect(join(config.socketsDir, "login.sock"));
  const child = startOnTerminal(`${config.claude} setup-token`, SCREEN, {
    env: { ...own, ...proxyEnvironment(`http://127.0.0.1:${egress.port}`) },
    cwd: config.workDir,
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    // The cage ends with this program.
    daemon.once("error", reject);
    daemon.once("close", () => reject(new Error("the daemon has ended the log-in")));
    if (child.stdin) daemon.pipe(child.stdin);
    // If the CLI has ended, its exit reports that.
    child.stdin?.on("error", () => {});
    child.stdout?.pipe(daemon, { end: false });
    child.once("close", (code) => {
      daemon.removeAllListeners("close");
      daemon.end(() => resolve(code ?? 1));
    });
  });
}
