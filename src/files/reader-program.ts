import { join } from "node:path";
import type { SandboxedProgram } from "../os/sandboxed-run.ts";

/** The program of `reader/` as a sandbox runs it. */
export interface ReaderProgram {
  /** What has to be bound for it. */
  reads: NonNullable<SandboxedProgram["reads"]>;
  /** The words before its argument. Paths inside the sandbox. */
  argv: readonly string[];
}

/** Memory of its objects: a list of names of the largest folder that is archived. MiB. */
const HEAP_OPTION = "--max-old-space-size=256";

/** The reader of a runtime: it has Node and the bundled program. */
export const readerOfRuntime = (runtime: { dir: string }): ReaderProgram => ({
  reads: [{ host: runtime.dir, at: "/opt/hive" }],
  argv: ["/opt/hive/bin/node", HEAP_OPTION, join("/opt/hive", READER_FILE)],
});

/** The bundled reader in a runtime. */
export const READER_FILE = "files/hive-files.cjs";
