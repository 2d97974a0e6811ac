// Shared code of the scripts. Plain modules without dependencies, because they run before anything is installed.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Flags of Node for the daemon. With room for 32 MB of young objects instead of 16, a busy hive collects them half as
 * often, and a send costs a tenth less. An idle hive returns the memory.
 */
export const DAEMON_FLAGS = ["--max-semi-space-size=32"];

/** Signals within this time come from one key press. Milliseconds. */
const SAME_KEY_MS = 500;
const isTerminal = process.stderr.isTTY && !process.env.CI;

/** Runs a step that may take a while and prints its name: at once on a terminal, after a second elsewhere. */
export async function step(what, run) {
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const write = (text) => process.stderr.write(text);
  const timer = isTerminal
    ? setInterval(() => write(`\r\x1b[K… ${what} (${seconds()} s)`), 1000)
    : setTimeout(() => write(`… ${what}\n`), 1000);
  if (isTerminal) write(`… ${what}`);
  try {
    const result = await run();
    if (isTerminal) write("\r\x1b[K");
    if (Date.now() - startedAt > 1000) write(`✓ ${what} (${seconds()} s)\n`);
    return result;
  } catch (error) {
    if (isTerminal) write("\r\x1b[K");
    write(`✗ ${what} failed\n`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Runs a program. Resolves with its output; rejects with its last lines if it fails. */
export function exec(program, argv, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], ...options });
    let output = "";
    child.stdout?.on("data", (chunk) => (output += chunk));
    child.stderr?.on("data", (chunk) => (output += chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(output);
      else
        reject(new Error(`${program} ${argv.join(" ")} failed (${code}):\n${output.trim().split("\n").slice(-30).join("\n")}`));
    });
  });
}

/** True if a program of that name is on the path. */
export async function has(program) {
  const folders = (process.env.PATH ?? "").split(":").concat("/usr/sbin", "/sbin");
  for (const folder of folders) {
    // Not in this folder.
    const found = await stat(join(folder, program)).catch(() => undefined);
    if (found?.isFile() && (found.mode & 0o111) !== 0) return true;
  }
  return false;
}

/** A hash over the content of files and folders, relative to the root. Missing ones count as empty. */
export async function hashOfTree(paths) {
  const hash = createHash("sha256");
  for (const path of paths) await addToHash(hash, path);
  return hash.digest("hex");
}

async function addToHash(hash, path) {
  const full = join(ROOT, path);
  // A missing file adds nothing.
  const found = await stat(full).catch(() => undefined);
  if (!found) return;
  if (found.isDirectory()) {
    for (const name of (await readdir(full)).sort()) await addToHash(hash, join(path, name));
    return;
  }
  hash
    .update(`${path}\0`)
    .update(await readFile(full))
    .update("\0");
}

/** A hash over a few files and words. */
export async function hashOfFiles(paths, ...words) {
  const hash = createHash("sha256").update(words.join("\0"));
  for (const path of paths) hash.update(await readFile(join(ROOT, path)));
  return hash.digest("hex");
}

/** The content of a stamp, or undefined. */
export async function readStamp(file) {
  // No stamp: the step has not been done yet.
  return readFile(file, "utf8").catch(() => undefined);
}

/**
 * Runs a program on our terminal, in its own process group, and forwards signals, once per key press. Resolves with its
 * exit code. `onKilled` gets the name of the signal that ended it, if it ended by one.
 */
export function foreground(program, argv, options = {}, onKilled = () => {}) {
  const child = spawn(program, argv, { cwd: ROOT, stdio: "inherit", detached: true, ...options });
  let last = 0;
  const forward = (name) => {
    // npm forwards a Ctrl-C that the terminal has already sent to the whole group.
    if (Date.now() - last < SAME_KEY_MS) return;
    last = Date.now();
    child.kill(name);
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => forward(name === "SIGHUP" ? "SIGTERM" : name));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (signal) onKilled(signal);
      resolve(code ?? 1);
    });
  });
}
