import { randomBytes } from "node:crypto";
import { accessSync, chmodSync, constants, lstatSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, Failure } from "./exit.ts";

/** The file in a git folder that lets hives read the repository. Without it the daemon refuses the folder. */
export const EXPORT_FILE = "hive-export";
/** Everyone may read it: the daemon reads the folder as the folder's owner. */
const MODE = 0o644;
const NONCE = /^[0-9a-f]{32}$/;

export interface ExportMark {
  nonce: string;
  /** Removes the file if this call made it. */
  undo(): void;
}

/**
 * Exports a repository to hives: writes a nonce into its git folder. Keeps the nonce of an earlier export that the caller
 * may write, because another hive, or another name, may follow the same folder. Throws if the caller may not write.
 */
export function exportFolder(gitFolder: string): ExportMark {
  const file = join(gitFolder, EXPORT_FILE);
  const before = nonceIn(file);
  if (before !== undefined) return { nonce: before, undo: () => {} };
  const nonce = randomBytes(16).toString("hex");
  const fresh = `${file}.${nonce.slice(0, 8)}`;
  try {
    writeFileSync(fresh, `${nonce}\n`, { flag: "wx", mode: MODE });
    // The umask may have taken bits away.
    chmodSync(fresh, MODE);
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Failure(
      EXIT.refused,
      "forbidden",
      `${file} cannot be written (${why}): run this as the owner of the repository; the file exports it to the hive`,
    );
  }
  return { nonce, undo: () => rmSync(file, { force: true }) };
}

/**
 * The nonce of a folder that the caller owns, exported again where the file was removed. Undefined for another user's
 * folder: only its owner decides that a hive reads it.
 */
export function exportAgain(gitFolder: string): string | undefined {
  const owner = statSync(gitFolder, { throwIfNoEntry: false })?.uid;
  return owner === undefined || owner !== process.geteuid?.() ? undefined : exportFolder(gitFolder).nonce;
}

/** The nonce of a file that the caller may write; undefined if there is none. */
function nonceIn(file: string): string | undefined {
  try {
    if (!lstatSync(file).isFile()) return undefined;
    accessSync(file, constants.W_OK);
    const text = readFileSync(file, "utf8").trim();
    return NONCE.test(text) ? text : undefined;
  } catch {
    // There is no such file, or it is another user's. Writing it says which.
    return undefined;
  }
}
