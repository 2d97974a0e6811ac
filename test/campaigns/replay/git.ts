import { spawnSync } from "node:child_process";
import { cleanEnv } from "../../lib/hive.ts";

/** Bytes that one command of git may print: the patch of a large commit. */
const MAX_OUTPUT_BYTES = 1024 ** 3;

export interface GitOptions {
  input?: string | Buffer;
  /** Exit codes that are an answer, besides 0. */
  allow?: readonly number[];
}

/** Runs git in a folder, without the settings of this user and of this machine. Throws an Error with its complaint. */
export function git(folder: string, argv: readonly string[], { input = "", allow = [] }: GitOptions = {}): Buffer {
  const env = cleanEnv({
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: "replay",
    GIT_AUTHOR_EMAIL: "replay@hive.invalid",
    GIT_COMMITTER_NAME: "replay",
    GIT_COMMITTER_EMAIL: "replay@hive.invalid",
  });
  // The repository may be someone else's. Nothing in it is run.
  const safe = ["-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"];
  const { status, stdout, stderr, error } = spawnSync("git", ["-C", folder, ...safe, ...argv], {
    env,
    input,
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  if (error) throw new Error(`git ${argv[0] ?? ""}: ${error.message}`, { cause: error });
  if (status === 0 || (status !== null && allow.includes(status))) return stdout;
  throw new Error(`git ${argv[0] ?? ""} failed in ${folder}: ${stderr.toString().trim() || `exit ${status}`}`);
}

/** The output of git as text, without the newline at its end. */
export function gitText(folder: string, argv: readonly string[], options?: GitOptions): string {
  return git(folder, argv, options).toString().trim();
}
