import { spawn } from "node:child_process";
import { join } from "node:path";
import { cleanEnv, type TestHive } from "../../lib/hive.ts";

/** Characters that steer a terminal or reorder its text. */
export const STEERS = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/;

/** What the operator's terminal prints for a verb of `hivectl`. */
export async function terminal(
  { stateDir, folder }: Pick<TestHive, "stateDir" | "folder">,
  argv: readonly string[],
): Promise<string> {
  const env = cleanEnv({ HIVE_STATE_DIR: stateDir, HOME: folder });
  const child = spawn(process.execPath, [join(process.cwd(), "dist/hivectl.js"), ...argv], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (out += chunk.toString()));
  await new Promise((resolve) => child.once("close", resolve));
  return out;
}
