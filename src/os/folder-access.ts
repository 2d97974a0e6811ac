import { SANDBOX_PATH } from "./launch-env.ts";
import type { SandboxedRun } from "./sandboxed-run.ts";

/** What a user may do with a folder that is bound into a cage. */
export interface FolderAccess {
  readable: boolean;
  writable: boolean;
}

/** The shell asks the kernel (`faccessat`) and changes nothing in the folder. */
const SCRIPT = `
[ -r /repo ] && [ -x /repo ] && echo readable
[ -w /repo ] && [ -x /repo ] && echo writable
exit 0
`;
/** For a shell and two system calls. Bytes, and seconds of processor time. */
const MEMORY_BYTES = 256 * 1024 * 1024;
const CPU_SECONDS = 5;
/** A network file system may not respond. Milliseconds. */
const ANSWER_MS = 10_000;
/** Bytes of the launcher's error output that are kept: enough for its reason. */
const MAX_WORDS = 1_000;

/**
 * Checks a folder from inside a sandbox that runs as `owner`, as an agent's cage will. With an id map, the
 * folder is bound through it. Throws with the launcher's words if the cage cannot be built, and if the folder does not
 * respond within ten seconds.
 */
export async function accessFromCage(
  sandboxedRun: SandboxedRun,
  folder: string,
  owner: { uid: number; gid: number },
  mode: "ro" | "rw",
  idMap?: string,
): Promise<FolderAccess> {
  const cage = sandboxedRun({
    folder,
    writable: mode === "rw",
    owner,
    idMap,
    script: SCRIPT,
    args: [],
    env: { PATH: SANDBOX_PATH },
    memoryBytes: MEMORY_BYTES,
    cpuSeconds: CPU_SECONDS,
  });
  const timer = setTimeout(() => cage.kill("SIGKILL"), ANSWER_MS);
  let out = "";
  let errors = "";
  cage.stdin?.end();
  cage.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
  cage.stderr?.setEncoding("utf8").on("data", (text: string) => (errors = (errors + text).slice(0, MAX_WORDS)));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    cage.once("error", reject);
    cage.once("close", (...end) => resolve(end));
  }).finally(() => clearTimeout(timer));
  if (signal !== null) throw new Error(`${folder} did not answer within ${ANSWER_MS / 1000} s`);
  if (code !== 0) throw new Error(`${folder} could not be bound into a cage: ${errors.trim() || `exit ${code ?? "unknown"}`}`);
  return { readable: out.includes("readable"), writable: out.includes("writable") };
}
