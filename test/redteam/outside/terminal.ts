import { spawn } from "node:child_process";
import { join } from "node:path";
import { cliInside } from "../../lib/cli-inside.ts";
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

/**
 * The same within this process, for rows that try many things: each start of `hivectl` takes a fifth of a second of a
 * processor. `terminal` shows that the program itself is the same.
 */
export async function verb(socket: string, argv: readonly string[]): Promise<{ code: number; said: string; err: string }> {
  const before = process.env["NO_COLOR"];
  // As in `cleanEnv`: its own colours are characters that steer.
  process.env["NO_COLOR"] = "1";
  try {
    const { code, out, err } = await cliInside("--socket", socket, ...argv);
    return { code: code ?? 0, said: out + err, err };
  } finally {
    if (before === undefined) delete process.env["NO_COLOR"];
    else process.env["NO_COLOR"] = before;
  }
}
