import type { Command } from "commander";
import { hivectl } from "../../lib/hivectl.ts";
import { UsageError } from "../exit.ts";
import { plural, visible } from "../print.ts";
import { act, type Shell } from "../shell.ts";

interface IncludeOptions {
  as?: string;
  list?: boolean;
  remove?: string;
}

/** The verb for the operator's files that fresh workspaces of a repository get. */
export function repoIncludeCommand(repo: Command): void {
  act<IncludeOptions>(
    repo
      .command("include")
      .argument("<repo>", "the repository")
      .argument("[files...]", "files of this machine, such as ./.env")
      .description("copy your own files, such as ./.env, into each fresh workspace of a repository")
      .option("--as <path>", "its path in the workspace; by default as written, or its name if it is not below this folder")
      .option("--list", "list the included files")
      .option("--remove <path>", "remove a file from the list; workspaces keep their copies"),
    async (shell, words: [string, string[]?], options) => {
      const [name, files = []] = words;
      const asked = [files.length > 0, options.list === true, options.remove !== undefined].filter(Boolean).length;
      if (asked !== 1)
        throw new UsageError(`name the files to include, or use --list or --remove; ${hivectl("repo include --help")}`);
      if (options.as !== undefined && files.length !== 1) throw new UsageError("--as gives the path of one file");
      if (options.remove !== undefined) {
        const path = options.remove;
        await shell.client.call("repo_include_remove", { name, path });
        return shell.show({}, () => `${visible(path)} is not copied into fresh workspaces of ${name} any more`);
      }
      if (files.length > 0) await include(shell, name, files, options.as);
      const [{ includeTable }, listed] = await Promise.all([
        import("../include-files.ts"),
        shell.client.call("repo_includes", { name }),
      ]);
      shell.show(listed, (output) =>
        output.files.length === 0
          ? `${name} has no included files; ${hivectl(`repo include ${name} ./.env`)} adds one`
          : [
              ...(files.length === 0 ? [] : [`fresh workspaces of ${name} get ${plural(output.files.length, "file")}:`]),
              includeTable(output.files, shell),
            ].join("\n"),
      );
    },
  );
}

/** Reads all files before it sends the first one. */
async function include(shell: Shell, name: string, files: readonly string[], as: string | undefined): Promise<void> {
  const { includedFile } = await import("../include-files.ts");
  for (const file of files.map((one) => includedFile(one, as))) await shell.client.call("repo_include", { name, ...file });
}
