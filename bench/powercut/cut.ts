import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";

export type FileSystem = "ext4" | "xfs";

/** Size of the image: room for the WAL, some seconds of messages, and what the smallest xfs needs. */
const IMAGE_BYTES = 400 * 1024 * 1024;
/** Answers after which the power may go: the writer is in full swing. */
const LEAST_ANSWERS = 200;

export interface CutResult {
  acknowledged: number;
  lost: number;
  /** What the database says of itself. */
  integrity: string;
}

const run = (program: string, ...argv: string[]): string => execFileSync(program, argv, { encoding: "utf8", stdio: "pipe" });

/** Makes an empty file system in a file, once: every cut begins with a copy of it. */
export function makeImage(folder: string, kind: FileSystem): string {
  const image = join(folder, `${kind}.img`);
  writeFileSync(image, "");
  truncateSync(image, IMAGE_BYTES);
  if (kind === "ext4") run("mkfs.ext4", "-q", "-F", image);
  else run("mkfs.xfs", "-q", "-f", image);
  return image;
}

/**
 * One power cut: the writer runs on a mounted image, the file system is shut down under it without writing anything
 * more, and a copy of the image, mounted anew, is compared with what had been answered.
 */
export async function cut(folder: string, image: string, kind: FileSystem, extraMs: number): Promise<CutResult> {
  const mount = join(folder, "mnt");
  const [disk, copy, log] = [join(folder, "disk.img"), join(folder, "copy.img"), join(folder, "answers")];
  mkdirSync(mount, { recursive: true });
  for (const file of [log, `${log}.end`]) rmSync(file, { force: true });
  copyImage(image, disk);
  run("mount", "-o", "loop", disk, mount);
  const child = fork(process.argv[1] ?? "", ["--role", "writer", join(mount, "hive.db"), log], { stdio: "ignore" });
  const ended = once(child, "exit");
  try {
    while (count(log) < LEAST_ANSWERS && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, extraMs));
    run("xfs_io", "-x", "-c", "shutdown", mount);
  } finally {
    // It ends by itself when its disk fails; otherwise nothing that it says any more is a promise.
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 2000))]);
    child.kill("SIGKILL");
    await ended;
    copyImage(disk, copy);
    run("umount", mount);
  }
  run("mount", "-o", kind === "xfs" ? "loop,nouuid" : "loop", copy, mount);
  try {
    return check(join(mount, "hive.db"), readFileSync(log, "utf8"));
  } finally {
    run("umount", mount);
  }
}

function copyImage(from: string, to: string): void {
  rmSync(to, { force: true });
  // Holes stay holes: an image is mostly nothing.
  run("cp", "--sparse=always", from, to);
}

const count = (log: string): number => (existsSync(log) ? readFileSync(log, "utf8").split("\n").length - 1 : 0);

function check(file: string, answers: string): CutResult {
  const db = new Database(file);
  try {
    const integrity = String(db.pragma("integrity_check", { simple: true }));
    const body = db.prepare<[number], { body: string }>("SELECT body FROM messages WHERE id = ?");
    const lines = answers.split("\n").filter((line) => line !== "");
    const lost = lines.filter((line) => {
      const [id, nth] = line.split(" ");
      return body.get(Number(id))?.body.split(" ")[0] !== nth;
    });
    return { acknowledged: lines.length, lost: lost.length, integrity };
  } finally {
    db.close();
  }
}
