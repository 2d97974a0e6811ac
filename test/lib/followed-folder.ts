import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const NONCE = "0".repeat(32);

export type FollowedFolder = ReturnType<typeof followedFolder>;

/** A work tree of an operator, in a folder that only its owner may enter: the daemon works on it as its owner. */
export function followedFolder() {
  const top = mkdtempSync(join(tmpdir(), "upstream-"));
  chmodSync(top, 0o700);
  const folder = join(top, "web");
  mkdirSync(folder);
  const git = (...argv: string[]): string =>
    execFileSync("git", ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@hive.invalid", ...argv], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], HOME: top, GIT_CONFIG_NOSYSTEM: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  git("init", "-q", "-b", "main");
  return {
    top,
    folder,
    git,
    /** Commits a file, and returns the commit. */
    commit(name: string, text: string): string {
      writeFileSync(join(folder, name), text);
      git("add", "-A");
      git("commit", "-q", "-m", `write ${name}`);
      return git("rev-parse", "HEAD");
    },
    /** Exports the folder to the hive. Returns what `repo add` sends. */
    exported(nonce = NONCE): { folder: string; nonce: string } {
      writeFileSync(join(folder, ".git", "hive-export"), nonce);
      return { folder: join(folder, ".git"), nonce };
    },
    remove: (): void => rmSync(top, { recursive: true, force: true }),
  };
}
