import { basename, dirname, join, resolve } from "node:path";
import { existsSync } from "node:fs";
import type { ChangeView } from "../wire/work.ts";
import { EXIT, Failure } from "./exit.ts";
import { checkRemote, REMOTE } from "./hive-remote.ts";
import { gitFolder, tryUserGit, userGit } from "./user-git.ts";

/**
 * Settings for the code of an agent: no hook runs, because the hooks of a clone may call programs of the work tree, and no
 * submodule is fetched.
 */
const CAREFUL = ["core.hooksPath=/dev/null", "core.fsmonitor=false", "submodule.recurse=false"];

/** Where the work tree of a change goes by default: beside the clone. */
async function besideClone(clone: string, { id }: Pick<ChangeView, "id">): Promise<string> {
  const top = (await tryUserGit(clone, ["rev-parse", "--show-toplevel"])) || (await gitFolder(clone));
  return join(dirname(top), `${basename(top).replace(/\.git$/, "")}-change-${id}`);
}

/**
 * Fetches the commit of a change from the hive into the clone of a folder, and makes a detached work tree of it. Moves no
 * branch. Returns the folder of the work tree. Throws if that folder exists, or if the hive sends another commit.
 */
export async function checkOut(clone: string, change: ChangeView, to: string | undefined): Promise<string> {
  const { id, repo, round, sha } = change;
  await checkRemote(clone, repo);
  const folder = to === undefined ? await besideClone(clone, change) : resolve(clone, to);
  if (existsSync(folder)) throw new Failure(EXIT.refused, "conflict", `${folder} exists already: name another folder`);
  const ref = `refs/changes/${id}/${round}`;
  await userGit(
    clone,
    ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", REMOTE, ref],
    CAREFUL,
  );
  if ((await tryUserGit(clone, ["cat-file", "-t", sha])) !== "commit")
    throw new Failure(EXIT.refused, "conflict", `${ref} is not commit ${sha}: the change was proposed again; run this again`);
  await userGit(clone, ["worktree", "add", "--quiet", "--detach", folder, sha], CAREFUL);
  return folder;
}
