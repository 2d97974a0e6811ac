import type { AssignedRepo } from "../../wire/harness.ts";

/** The folder of the hive's own files among the workspaces. The cage's /etc/gitconfig includes `gitconfig` from it. */
export const OWN_FOLDER = ".hive";

/**
 * Git's settings of a cage, by file name: `hive:<repo>` leads to the git socket, and a branch is pushed under its own
 * name. The port is only here, so that it never lands in a repository.
 */
export function gitConfigs(repos: readonly AssignedRepo[], port: number, workspaces: string): Record<string, string> {
  const files: Record<string, string> = {};
  const includes: string[] = [];
  for (const { name, author } of repos) {
    const [, user, email] = /^(.*) <(.*)>$/.exec(author) ?? [];
    if (user === undefined || email === undefined) continue;
    files[`${name}.gitconfig`] = `[user]\n\tname = ${quoted(user)}\n\temail = ${quoted(email)}\n`;
    includes.push(`[includeIf ${quoted(`gitdir:${workspaces}/${name}/`)}]\n\tpath = ${quoted(`${name}.gitconfig`)}\n`);
  }
  const main = `[url "http://127.0.0.1:${port}/"]\n\tinsteadOf = hive:\n[push]\n\tdefault = current\n\tautoSetupRemote = true\n`;
  return { ...files, gitconfig: main + includes.join("") };
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
