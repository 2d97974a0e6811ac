import { vi } from "vitest";
import { run } from "../../src/cli/run.ts";
import type { Said } from "./stub-host.ts";

/** Read anew: the compiler holds it for what was written last. */
const exitCode = (): number => Number(process.exitCode);

/**
 * Runs hivectl in this process: what it writes and its exit code are caught. A hundredth of the time of a process of its
 * own, for tests that try every verb. Not for what ends the process itself.
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
