import { Writable } from "node:stream";
import { SANDBOX_PATH } from "../launch-env.ts";
import { runStreams } from "../run-streams.ts";
import type { SandboxedProgram, SandboxedRun } from "../sandboxed-run.ts";

/** One run of Nix in the sandbox, on a folder that it may write and that appears as /repo. */
export interface NixRun {
  sandboxedRun: SandboxedRun;
  /** Has a home, a cache and a store of its own for the run. */
  folder: string;
  reads?: SandboxedProgram["reads"];
  /** The user as whom Nix runs. It owns the folder. */
  owner: { uid: number; gid: number };
  argv: readonly string[];
  /** A file in the sandbox that Nix writes: its content is the output. */
  prints?: string;
  /** Bytes of output after which Nix is killed. */
  maxBytes: number;
  /** Milliseconds. */
  timeoutMs: number;
  signal: AbortSignal;
}

/** Nix has failed, or could not be started. The message is for the manager and the operator. */
export class NixError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NixError";
  }
}

/** The folder of one run, as it is in the sandbox. */
export const NIX_FOLDER = "/repo";

/**
 * Address space of one Nix process: evaluating a NixOS system maps 2 GiB. Bytes. Its processor time, many times what
 * that takes. Seconds.
 */
const MEMORY_BYTES = 8 * 1024 ** 3;
const CPU_SECONDS = 300;

/**
 * Nix reaches nothing but what it is given: no network, no substitutes, no registry, no build during an evaluation, no
 * settings of the flakes that it reads.
 */
const SETTINGS = [
  "experimental-features = nix-command flakes",
  "accept-flake-config = false",
  "allow-import-from-derivation = false",
  "build-users-group =",
  "flake-registry =",
  "sandbox = false",
  "substituters =",
  "use-registries = false",
  "warn-dirty = false",
].join("\n");

const ENV: Record<string, string> = {
  PATH: SANDBOX_PATH,
  HOME: `${NIX_FOLDER}/home`,
  // Nix asks for the name of its user, whom the sandbox does not know.
  USER: "nix",
  LANG: "C.UTF-8",
  NIX_CONFIG: SETTINGS,
  NIX_STORE_DIR: `${NIX_FOLDER}/nix/store`,
  NIX_STATE_DIR: `${NIX_FOLDER}/nix/var`,
  NIX_LOG_DIR: `${NIX_FOLDER}/nix/log`,
  // The collector finds its stacks in /proc, which the sandbox does not have. The process is short and bounded.
  GC_DONT_GC: "1",
  // Repositories belong to the daemon.
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_COUNT: "1",
  GIT_CONFIG_KEY_0: "safe.directory",
  GIT_CONFIG_VALUE_0: "*",
};

/** Runs Nix and returns its output. Throws `NixError` if it fails, prints too much, takes too long or is cancelled. */
export async function nix(run: NixRun): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const tooMuch = new NixError(`nix ${verb(run)}: more than ${run.maxBytes} bytes of output`);
  const output = new Writable({
    write(chunk: Buffer, _, done) {
      size += chunk.length;
      if (size <= run.maxBytes) chunks.push(chunk);
      done(size <= run.maxBytes ? null : tooMuch);
    },
  });
  const child = run.sandboxedRun({
    folder: run.folder,
    writable: true,
    ...(run.reads === undefined ? {} : { reads: run.reads }),
    owner: run.owner,
    script: run.prints === undefined ? 'exec nix "$@"' : 'file=$1; shift; nix "$@" > /dev/null && exec cat "$file"',
    args: run.prints === undefined ? run.argv : [run.prints, ...run.argv],
    env: ENV,
    memoryBytes: MEMORY_BYTES,
    cpuSeconds: CPU_SECONDS,
  });
  const ended = await runStreams(child, { output, timeoutMs: run.timeoutMs, ended: run.signal });
  run.signal.throwIfAborted();
  if (ended.tooLong) throw new NixError(`nix ${verb(run)} took longer than ${run.timeoutMs / 1000} s`);
  if (ended.code === 127) throw new NixError("nix is not installed on this host, or not in a folder of programs");
  if (ended.code === undefined)
    throw new NixError(`nix ${verb(run)} was ended: it used more memory or processor time than it may`);
  // Nix 2.8 prints half of a value when its evaluation fails: only the exit code tells.
  if (ended.code !== 0) throw new NixError(nixComplaint(ended.stderr));
  return Buffer.concat(chunks).toString("utf8");
}

const verb = ({ argv }: NixRun): string => argv.slice(0, 2).join(" ");

/** Characters of an error that are told. */
const MAX_COMPLAINT_CHARS = 4_000;

/**
 * The last error in Nix's output, which is the cause of those before it, without colours and without the places of
 * the sources in the store. So it names `agent.nix:3:5`.
 */
export function nixComplaint(stderr: string): string {
  const plain = stderr.replaceAll(/\u001B\[[0-9;]*m/g, "");
  const from = plain.lastIndexOf("error:");
  return (from < 0 ? plain : plain.slice(from))
    .replaceAll(/\/[^\s'"]*\/store\/[0-9a-z]{32}-(?:source\/)?/g, "")
    .replaceAll(/^\(use '--show-trace'.*$/gm, "")
    .trim()
    .slice(0, MAX_COMPLAINT_CHARS);
}
