import { resolve } from "node:path";
import { argv, execPath } from "node:process";
import { hivectl, hivectlName } from "../lib/hivectl.ts";
import { EXIT, Failure } from "./exit.ts";
import { visible } from "./print.ts";
import { gitFolder, tryUserGit, userGit } from "./user-git.ts";

/** The remote of a clone that is the hive's copy of its repository. */
export const REMOTE = "hive";

/** The path of a repository below the hive's address. */
const pathOf = (address: string): string | undefined => /\/git\/([^/]+)\/?$/.exec(address)?.[1];

const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** The command with which git gets a token for a repository, from the hive of this socket. It works in any folder. */
export function credentialHelper(repo: string, socketPath: string): string {
  const program = hivectlName() === "hivectl" ? "hivectl" : [execPath, resolve(argv[1] ?? "")].map(quoted).join(" ");
  return `!${program} --socket ${quoted(resolve(socketPath))} repo credential ${repo}`;
}

/**
 * Adds the remote `hive` to the clone of a folder, with a credential helper for its address only. Replaces one of the same
 * repository, whose address may have changed. Throws if the remote is of something else.
 */
export async function addRemote(folder: string, repo: string, url: string, socketPath: string): Promise<void> {
  await gitFolder(folder);
  const before = await tryUserGit(folder, ["remote", "get-url", REMOTE]);
  if (before === undefined) await userGit(folder, ["remote", "add", REMOTE, url]);
  else if (pathOf(before) === repo) await userGit(folder, ["remote", "set-url", REMOTE, url]);
  else
    throw new Failure(
      EXIT.refused,
      "conflict",
      `this clone has a remote ${REMOTE} already, ${visible(before)}: rename it (\`git remote rename ${REMOTE} <name>\`), then run this again`,
    );
  if (before !== undefined && before !== url) await tryUserGit(folder, ["config", "--local", "--unset-all", keyOf(before)]);
  // The empty entry keeps the user's other helpers from storing a token that is over in ten minutes.
  await userGit(folder, ["config", "--local", "--replace-all", keyOf(url), ""]);
  await userGit(folder, ["config", "--local", "--add", keyOf(url), credentialHelper(repo, socketPath)]);
}

/** True if a folder is a clone of the folder that a repository of the hive follows, or of that repository. */
export async function isCloneOf(folder: string, repo: string, followed: string): Promise<boolean> {
  const own = await tryUserGit(folder, ["remote", "get-url", REMOTE]);
  if (own !== undefined && pathOf(own) === repo) return true;
  const remotes = await tryUserGit(folder, ["config", "--get-regexp", String.raw`^remote\..*\.url$`]);
  const urls = (remotes ?? "").split("\n").map((line) => line.slice(line.indexOf(" ") + 1));
  return urls.some((url) => bareName(resolve(folder, url.replace(/^file:\/\//, ""))) === bareName(resolve(followed)));
}

const bareName = (path: string): string => path.replace(/\/\.git$/, "");
const keyOf = (url: string): string => `credential.${url}.helper`;

/** Checks that the clone of a folder has the remote `hive`, of this repository. Throws what to do if it has not. */
export async function checkRemote(folder: string, repo: string): Promise<void> {
  await gitFolder(folder);
  const url = await tryUserGit(folder, ["remote", "get-url", REMOTE]);
  const add = hivectl(`repo remote ${repo} --add`);
  if (url === undefined) throw new Failure(EXIT.refused, "conflict", `the clone here has no remote ${REMOTE}: ${add} adds it`);
  if (pathOf(url) !== repo)
    throw new Failure(
      EXIT.refused,
      "conflict",
      `the remote ${REMOTE} of the clone here is ${visible(url)}, not the repository ${repo}: go to a clone of ${repo}, or run ${add} there`,
    );
}
