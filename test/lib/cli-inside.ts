import { vi } from "vitest";
import { run } from "../../src/cli/run.ts";
import type { Said } from "./stub-host.ts";

/** Reads it again, because the compiler assumes the last written value. */
const exitCode = (): number => Number(process.exitCode);

/**
 * Runs hivectl in this process and captures its output and exit code. Takes a hundredth of the time of a separate
 * process, for tests of every verb. Not for verbs that end the process themselves.
 */
export async function cliInside(...words: string[]): Promise<Said> {
  const said: Said = { code: null, out: "", err: "" };
  const catching = (stream: NodeJS.WriteStream, key: "out" | "err") =>
    vi.spyOn(stream, "write").mockImplementation((chunk) => {
      said[key] += String(chunk);
      return true;
    });
  const spies = [catching(process.stdout, "out"), catching(process.stderr, "err")];
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await run(words);
    return { ...said, code: exitCode() };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}
