import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

/** What a file holds, told by its size and its SHA-256. */
export interface Digest {
  bytes: number;
  sha256: string;
}

/** Nothing of ours or of the user's may change what tar does. */
const ENV = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin", LC_ALL: "C" };
/** What tar ends with when files changed or went away while it read them. */
const CHANGED = 1;
/** Characters of its complaints that are kept. */
const MAX_COMPLAINTS = 8_000;

/**
 * Packs folders and files below `from` into one archive with owners, modes and links as they are (a link is never
 * followed), on stable storage when it resolves. Others may write there meanwhile: what changes while it is read is
 * taken as it was read, what cannot be read is left out, and `complaints` says so. Sockets are left out.
 */
export async function pack(
  archive: string,
  from: string,
  members: readonly string[],
  options: { signal: AbortSignal; onBytes(bytes: number): void },
): Promise<Digest & { complaints: string[] }> {
  const how = ["--create", "--format=posix", "--numeric-owner", "--sparse", "--one-file-system", "--ignore-failed-read"];
  // Names come through a pipe: however many they are, no command line is too long for them.
  const argv = [...how, "--directory", from, "--null", "--files-from=-"];
  const child = spawn("tar", argv, { env: ENV, cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
  const ended = exitOf(child);
  const onAbort = (): void => void child.kill("SIGKILL");
  options.signal.addEventListener("abort", onAbort, { once: true });
  child.stdin.on("error", () => {}); // A tar that ends early says why by its exit.
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

/** Unpacks an archive of ours below `into`, with owners and modes where this user may set them. Nothing leaves `into`. */
export async function unpack(archive: string, into: string): Promise<void> {
  const argv = ["--extract", "--numeric-owner", "--preserve-permissions", "--sparse", "--directory", into, "--file", archive];
  const child = spawn("tar", argv, { env: ENV, cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end();
  child.stdout.resume();
  const { code, words } = await exitOf(child);
  if (code !== 0) throw new Error(`tar could not unpack ${archive}: ${words.trim() || `exit ${code}`}`);
}

/** Size and SHA-256 of a file as it is on the disk. */
export async function digestOf(file: string, onBytes: (bytes: number) => void = () => {}): Promise<Digest> {
  const meter = new Meter(onBytes);
  meter.resume();
  await pipeline(createReadStream(file), meter);
  return meter.digest();
}

/** Flushes the whole file system that holds `folder`: one call for many files. */
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

/** Counts and hashes what passes. */
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
