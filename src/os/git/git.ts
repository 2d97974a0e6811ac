import { PROGRAM_PATH } from "../launch-env.ts";
import { runBytes, type Ended } from "../run-bytes.ts";

/**
 * Bytes that one git call may print. The largest legitimate output is the diff of two full config trees, below 8 MiB.
 */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
/** Timeout of a call. Plumbing on a config takes milliseconds, on a stalled disk seconds. Milliseconds. */
const TIMEOUT_MS = 120_000;

/** The empty tree. Git knows it without storing it. */
export const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/**
 * The whole environment of git: nothing of the user's, the system's or this process's. No transports, no prompts, no
 * replaced objects.
 */
export const GIT_ENV: Record<string, string> = {
  PATH: PROGRAM_PATH,
  LC_ALL: "C",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_ATTR_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_ALLOW_PROTOCOL: "none",
};

/** Settings of every call. They override a repository's own settings where those could do harm. */
const SETTINGS = [
  "core.hooksPath=/dev/null",
  "core.fsync=all",
  "core.fsyncMethod=fsync",
  // Agents read these repositories under other uids. They contain no secrets from the manager, and only the daemon may
  // write.
  "core.sharedRepository=0644",
  "core.logAllRefUpdates=false",
  "core.attributesFile=/dev/null",
  // Newer versions of git read attributes from HEAD in a bare repository, which an agent controls.
  `attr.tree=${EMPTY_TREE}`,
  "core.commitGraph=false",
  "gc.auto=0",
  "maintenance.auto=false",
  "pack.threads=1",
].flatMap((setting) => ["-c", setting]);

/** Git failed unexpectedly. */
export class GitError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "GitError";
  }
}

interface Call {
  input?: Buffer | string;
  /** Added to the fixed environment. */
  env?: Record<string, string>;
  maxBytes?: number;
  timeoutMs?: number;
}

/** The command that runs git on a repository. Git is killed when we die, so that it cannot write afterwards. */
export function gitCommand(gitDir: string, argv: readonly string[]): [string, string[]] {
  return ["setpriv", ["--pdeathsig", "KILL", "git", "--no-pager", `--git-dir=${gitDir}`, ...SETTINGS, ...argv]];
}

/** Runs git on a repository. The caller checks the exit code. */
export async function tryGit(gitDir: string, argv: readonly string[], call: Call = {}): Promise<Ended> {
  const [program, args] = gitCommand(gitDir, argv);
  const ended = await runBytes(program, args, {
    env: { ...GIT_ENV, ...call.env },
    ...(call.input === undefined ? {} : { input: call.input }),
    maxBytes: call.maxBytes ?? MAX_OUTPUT_BYTES,
    timeoutMs: call.timeoutMs ?? TIMEOUT_MS,
  });
  if (ended.missing) throw new GitError(`git cannot be started (${ended.stderr}): install git and util-linux`);
  return ended;
}

/** Runs git and throws if it fails. */
export async function git(gitDir: string, argv: readonly string[], call: Call = {}): Promise<Buffer> {
  const ended = await tryGit(gitDir, argv, call);
  if (ended.code === 0 && !ended.tooMuch) return ended.stdout;
  const why = ended.tooMuch ? "said too much" : ended.tooLong ? "took too long" : ended.stderr.trim() || ended.signal || "";
  throw new GitError(`git ${argv[0]}: ${why} (exit ${ended.code ?? ended.signal})`);
}
