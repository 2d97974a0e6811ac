import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** One block, which a full disk refuses. Bytes. */
const PROBE_BYTES = 4096;

/** Returns why sessions cannot be stored in `folder`, or undefined if they can. Creates a missing folder. */
export function sessionFolderProblem(folder: string): string | undefined {
  const probe = join(folder, `.hive-probe-${process.pid}`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(probe, Buffer.alloc(PROBE_BYTES));
    rmSync(probe);
    return undefined;
  } catch (error) {
    rmSync(probe, { force: true });
    const { code = String(error) } = error as NodeJS.ErrnoException;
    return `the session folder ${folder} cannot be written (${code})`;
  }
}
