import { run } from "../os/run.ts";
import { EXIT, Failure } from "./exit.ts";
import { environment } from "./shell.ts";

/** Variables that make git use another repository than that of its folder: a hook or an alias may have set them. */
const OTHER_REPOSITORY = [
  "GIT_DIR",
  "GIT_WORK_TREE",
  "GIT_COMMON_DIR",
  "GIT_INDEX_FILE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_NAMESPACE",
];

/** The user's own environment, with messages in English and without questions on the terminal. */
function gitEnvironment(): Record<string, string> {
  const kept = Object.entries(environment).filter(([name]) => !OTHER_REPOSITORY.includes(name));
  return {
    ...(Object.fromEntries(kept.filter(([, value]) => value !== undefined)) as Record<string, string>),
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
  };
}

/** Runs the user's git in a folder, with the user's settings. Undefined if git fails. Throws if it is not installed. */
export async function tryUserGit(folder: string, argv: readonly string[]): Promise<string | undefined> {
  const { code, stdout } = await start(folder, argv);
  return code === 0 ? stdout.trim() : undefined;
}

/** Runs the user's git in a folder, with these settings besides the user's. Throws with what git says if it fails. */
export async function userGit(folder: string, argv: readonly string[], settings: readonly string[] = []): Promise<string> {
  const { code, stdout, stderr } = await start(folder, [...settings.flatMap((one) => ["-c", one]), ...argv]);
  if (code === 0) return stdout.trim();
  const said = stderr.trim().replaceAll(/^(?:fatal|error): /gm, "");
  throw new Failure(EXIT.refused, "failed", `git ${argv[0] ?? ""} failed in ${folder}: ${said}`);
}

async function start(folder: string, argv: readonly string[]) {
  const ended = await run("git", ["-C", folder, ...argv], { env: gitEnvironment() });
  if (ended.missing) throw new Failure(EXIT.refused, "failed", "git cannot be started: install it, or add it to PATH");
  return ended;
}

/** How many files of a clone are changed or new and in no commit. 0 for a bare repository. */
export async function uncommitted(folder: string): Promise<number> {
  const status = await tryUserGit(folder, ["status", "--porcelain", "--untracked-files=normal", "-z"]);
  return status?.split("\0").filter((line) => /^[ MADRCUT?!]{2} ./.test(line)).length ?? 0;
}

/** The git folder of a repository, which its work trees share. Throws if `folder` is in no repository. */
export async function gitFolder(folder: string): Promise<string> {
  const { code, stdout, stderr } = await start(folder, ["rev-parse", "--path-format=absolute", "--git-common-dir"]);
  if (code === 0) return stdout.replace(/\n$/, "");
  const why = /not a git repository/.test(stderr)
    ? "is not a git repository: run `git init` in it and commit something, or name another folder"
    : /cannot change to/.test(stderr)
      ? "cannot be opened: it does not exist, is not a folder, or is not yours"
      : `cannot be read: ${stderr.trim().replaceAll(/^(?:fatal|error): /gm, "")}`;
  throw new Failure(EXIT.refused, "bad_request", `${folder} ${why}`);
}
