import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { PROGRAM_PATH } from "./launch-env.ts";

/** Size and SHA-256 of a file. */
export interface Digest {
  bytes: number;
  sha256: string;
}

/** A fixed environment, so that no variable changes what tar does. */
const ENV = { PATH: PROGRAM_PATH, LC_ALL: "C" };
/** Exit code of tar if files changed or disappeared while it read them. */
const CHANGED = 1;
/** Characters of its error output that are kept. */
const MAX_COMPLAINTS = 8_000;

/**
 * Packs folders and files below `from` into an archive with owners, modes and links (links are never followed). The
 * archive is on stable storage when the promise resolves. Others may write to the files meanwhile: a file that changes
 * is archived as it was read, an unreadable file is left out, and `complaints` lists both. Sockets are left out.
 */
export async function pack(
  archive: string,
  from: string,
  members: readonly string[],
  options: { signal: AbortSignal; onBytes(bytes: number): void },
): Promise<Digest & { complaints: string[] }> {
  const how = ["--create", "--format=posix", "--numeric-owner", "--sparse", "--one-file-system", "--ignore-failed-read"];
  // Names are passed through a pipe, so their number is not limited by the command line.
  const argv = [...how, "--directory", from, "--null", "--files-from=-"];
  const child = spawn("tar", argv, { env: ENV, cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
  const ended = exitOf(child);
  const onAbort = (): void => void child.kill("SIGKILL");
  options.signal.addEventListener("abort", onAbort, { once: true });
  child.stdin.on("error", () => {}); // If tar ends early, its exit gives the reason.
  child.stdin.end(members.map((member) => `./${member}\0`).join(""));
  try {
    const meter = new Meter(options.onBytes);
    const written = pipeline(child.stdout, meter, createWriteStream(archive, { mode: 0o600, flush: true }));
    const [{ code, words }] = await Promise.all([ended, written]);
    options.signal.throwIfAborted();
    if (code !== 0 && code !== CHANGED) throw new Error(`tar could not pack ${from}: ${words.trim() || `exit ${code}`}`);
    return { ...meter.digest(), complaints: words.split("\n").filter((line) => line !== "") };
  } finally {
    options.signal.removeEventListener("abort", onAbort);
    child.kill("SIGKILL");
  }
}

/**
 * Unpacks one of our archives below `into`, with owners and modes where this user may set them. Nothing is written
 * outside `into`.
 */
export async function unpack(archive: string, into: string): Promise<void> {
  const argv = ["--extract", "--numeric-owner", "--preserve-permissions", "--sparse", "--directory", into, "--file", archive];
  const child = spawn("tar", argv, { env: ENV, cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end();
  child.stdout.resume();
  const { code, words } = await exitOf(child);
  if (code !== 0) throw new Error(`tar could not unpack ${archive}: ${words.trim() || `exit ${code}`}`);
}

/** Size and SHA-256 of a file on disk. */
export async function digestOf(file: string, onBytes: (bytes: number) => void = () => {}): Promise<Digest> {
  const meter = new Meter(onBytes);
  meter.resume();
  await pipeline(createReadStream(file), meter);
  return meter.digest();
}

/** Flushes the whole file system of `folder`: one call for many files. */
export async function syncFileSystem(folder: string): Promise<void> {
  const child = spawn("sync", ["--file-system", folder], { env: ENV, cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end();
  child.stdout.resume();
  const { code, words } = await exitOf(child);
  if (code !== 0) throw new Error(`${folder} could not be flushed: ${words.trim() || `exit ${code}`}`);
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function exitOf(child: ReturnType<typeof spawn>): Promise<{ code: number | null; words: string }> {
  let words = "";
  child.stderr?.on("data", (chunk: Buffer) => (words = (words + chunk.toString()).slice(0, MAX_COMPLAINTS)));
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new Error(`a program is missing: ${error.message}`, { cause: error })));
    child.once("close", (code) => resolve({ code, words }));
  });
}

/** Counts and hashes the bytes that pass. */
class Meter extends Transform {
  readonly #hash = createHash("sha256");
  readonly #onBytes: (bytes: number) => void;
  #bytes = 0;

  constructor(onBytes: (bytes: number) => void) {
    super();
    this.#onBytes = onBytes;
  }

  override _transform(chunk: Buffer, _encoding: string, done: (error: null, chunk: Buffer) => void): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    this.#onBytes(this.#bytes);
    done(null, chunk);
  }

  digest(): Digest {
    return { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }
}
