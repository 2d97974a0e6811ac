import { basename, dirname } from "node:path";
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
  /** The host's store and the socket of its daemon. Without one the run has a store of its own, which ends with it. */
  store?: NixStore | undefined;
  argv: readonly string[];
  /** A file in the sandbox that Nix writes: its content is the output. */
  prints?: string;
  /** Takes what Nix and its builders report while it runs. */
  log?: (text: string) => void;
  /** Bytes of output after which Nix is killed. */
  maxBytes: number;
  /** Milliseconds. */
  timeoutMs: number;
  signal: AbortSignal;
}

/** A store that a daemon of the host builds into, for users who have no rights in it. */
export interface NixStore {
  folder: string;
  socket: string;
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
  "flake-registry =",
  "use-registries = false",
  "warn-dirty = false",
];
/** For a store of the run's own. The daemon of a host's store would take them as wishes: none of its caches would be used. */
const OWN_STORE_SETTINGS = ["build-users-group =", "sandbox = false", "substituters ="];

const ENV: Record<string, string> = {
  PATH: SANDBOX_PATH,
  HOME: `${NIX_FOLDER}/home`,
  // Nix asks for the name of its user, whom the sandbox does not know.
  USER: "nix",
  LANG: "C.UTF-8",
  // Repositories belong to the daemon.
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_COUNT: "1",
  GIT_CONFIG_KEY_0: "safe.directory",
  GIT_CONFIG_VALUE_0: "*",
};

/** The folder of the daemon's socket, in the sandbox. */
const DAEMON = "/daemon";

function storeEnvironment(store: NixStore | undefined): Record<string, string> {
  if (store)
    return {
      NIX_CONFIG: SETTINGS.join("\n"),
      NIX_REMOTE: "daemon",
      NIX_STORE_DIR: store.folder,
      NIX_DAEMON_SOCKET_PATH: `${DAEMON}/${basename(store.socket)}`,
    };
  const at = `${NIX_FOLDER}/nix`;
  const config = [...SETTINGS, ...OWN_STORE_SETTINGS].join("\n");
  return { NIX_CONFIG: config, NIX_STORE_DIR: `${at}/store`, NIX_STATE_DIR: `${at}/var`, NIX_LOG_DIR: `${at}/log` };
}

function storeReads(store: NixStore | undefined): { host: string; at: string }[] {
  if (!store) return [];
  const daemon = { host: dirname(store.socket), at: DAEMON };
  // A sandbox has the usual folder of the store already.
  return store.folder === "/nix/store" ? [daemon] : [daemon, { host: store.folder, at: store.folder }];
}

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
    reads: [...(run.reads ?? []), ...storeReads(run.store)],
    owner: run.owner,
    // It looks for its own program there.
    proc: true,
    script: run.prints === undefined ? 'exec nix "$@"' : 'file=$1; shift; nix "$@" > /dev/null && exec cat "$file"',
    args: run.prints === undefined ? run.argv : [run.prints, ...run.argv],
    env: { ...ENV, ...storeEnvironment(run.store) },
    memoryBytes: MEMORY_BYTES,
    cpuSeconds: CPU_SECONDS,
  });
  const { log } = run;
  if (log) child.stderr?.setEncoding("utf8").on("data", (text: string) => log(text.replaceAll(COLOURS, "")));
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

const COLOURS = /\u001B\[[0-9;]*m/g;
/** Characters of an error that are told. */
const MAX_COMPLAINT_CHARS = 4_000;

/**
 * The last error in Nix's output, which is the cause of those before it, without colours and without the places of
 * the sources in the store. So it names `agent.nix:3:5`.
 */
export function nixComplaint(stderr: string): string {
  const plain = stderr.replaceAll(COLOURS, "");
  const from = plain.lastIndexOf("error:");
  return (from < 0 ? plain : plain.slice(from))
    .replaceAll(/\/[^\s'"]*\/store\/[0-9a-z]{32}-(?:source\/)?/g, "")
    .replaceAll(/^\(use '--show-trace'.*$/gm, "")
    .trim()
    .slice(0, MAX_COMPLAINT_CHARS);
}
