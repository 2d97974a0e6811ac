import type { Command } from "commander";
import { hivectl, shellWord } from "../../lib/hivectl.ts";
import { agentName } from "../arguments.ts";
import { UsageError } from "../exit.ts";
import { clean, plural } from "../print.ts";
import { act } from "../shell.ts";

/** A path in an agent's cage: absolute, or in its /state. */
function filePath(text: string): string {
  const path = (text.startsWith("/") ? text : `/state/${text.replace(/^(?:\.\/)+/, "")}`).replace(/\/+$/, "");
  return path === "" ? "/" : path;
}

/** The two sides of a copy: `agent:path` and a path here. */
export type Side = { agent: string; path: string } | { local: string };

/** Parses one side of a copy. What has a slash before its first colon is a path here, as for `scp`. */
export function side(text: string): Side {
  const [, agent, path = ""] = /^@?([^/:]+):(.*)$/s.exec(text) ?? [];
  if (agent === undefined) return { local: text };
  return { agent, path: path === "" ? "" : filePath(path) };
}

/** Verbs for the files of agents. */
export function fileCommands(program: Command): void {
  act(
    program
      .command("files")
      .argument("<name>", "the agent", agentName)
      .argument("[path]", "a folder in its /state or /work; by default these two", filePath, "/")
      .description("the files of an agent, whether it runs or not; links and what is no file are listed and never opened"),
    async (shell, [name, path]: [string, string]) => {
      const { fileTable } = await import("../file-text.ts");
      shell.show(await shell.client.call("file_list", { name, path }), (answer) => fileTable(path, answer, shell));
    },
  );

  act(
    program
      .command("file")
      .argument("<name>", "the agent", agentName)
      .argument("<path>", "a file in its /state or /work", filePath)
      .description("the text of an agent's file; characters that could steer the terminal are written out"),
    async (shell, [name, path]: [string, string]) => {
      const { file } = await shell.client.call("file_read", { name, path });
      shell.show({ file }, () => {
        if (file.text !== undefined) return clean(file.text).replace(/\n$/, "");
        const what = file.shows === "picture" ? "a picture" : file.shows === "binary" ? "no text" : "too long to be shown";
        return `${path} is ${what} (${plural(file.bytes, "byte")}): ${hivectl(`cp ${clean(shellWord(`${name}:${path}`))} .`)} copies it`;
      });
    },
  );

  act(
    program
      .command("cp")
      .argument("<from>", "agent:path in its /state or /work, or a file here", side)
      .argument("<to>", "a path here, or `agent:` for its inbox", side)
      .description(
        "copy a file or folder of an agent here, or a file here into an agent's inbox; copies are plain files and folders, and overwrite nothing",
      ),
    async (shell, [from, to]: [Side, Side]) => {
      if (!("local" in from) && "local" in to) {
        const { copyOut } = await import("../copy-out.ts");
        return copyOut(shell, from, to.local);
      }
      if ("local" in to || !("local" in from))
        throw new UsageError("one side is an agent's (scout:/state/x), the other one is a path here (./x)");
      if (to.path !== "") throw new UsageError(`the hive names what it puts into an agent's inbox: say ${to.agent}: alone`);
      const { sendFile } = await import("../send-file.ts");
      shell.show(await sendFile(shell, to.agent, from.local), ({ path }) => `${to.agent} has it as ${clean(path)}`);
    },
  );
}
