import { readFileSync } from "node:fs";
import { hivectl } from "../lib/hivectl.ts";
import type { Output } from "../wire/operations.ts";
import type { RepoSettings, RepoView } from "../wire/work.ts";
import { EXIT, Failure } from "./exit.ts";
import { visible } from "./print.ts";
import { Progress } from "./progress.ts";
import { readSecret } from "./secret-input.ts";
import type { Shell } from "./shell.ts";

/** An address with what it takes. */
interface NewRemote {
  name: string;
  address: string;
  tokenStdin: true | undefined;
  private: true | undefined;
  /** A file. */
  ca: string | undefined;
}

/** Adds a repository from another host, with its progress. */
export async function addRemote(
  shell: Shell,
  { name, address, tokenStdin, private: isPrivate, ca }: NewRemote,
  settings: Partial<RepoSettings>,
): Promise<RepoView> {
  const authority = ca === undefined ? undefined : readAuthority(ca);
  const token = tokenStdin === true ? await readSecret("the token: ") : undefined;
  const input = { name, address, token, private: isPrivate === true, ca: authority, ...settings };
  return addedBy(shell, name, shell.client.stream("repo_add_remote", input));
}

/** The repository that a stream of `repo_add` or `repo_add_remote` ends with. Shows its progress. */
export async function addedBy(shell: Shell, name: string, steps: AsyncIterable<Output<"repo_add">>): Promise<RepoView> {
  shell.waitsFor("the copy is given up, and nothing of it is kept");
  const progress = new Progress(shell.isJson);
  try {
    for await (const { progress: step, repo } of steps) {
      if (repo) return repo;
      // "copying 12.5 MiB": the figure changes, the step does not.
      const [, what = step ?? "", far = ""] = /^(.*?) (\d.*)$/.exec(step ?? "") ?? [];
      progress.tell(visible(what), visible(far));
    }
    throw new Error(`the hive did not say whether ${name} is added; ${hivectl("repo list")} shows it`);
  } finally {
    progress.end();
  }
}

function readAuthority(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Failure(
      EXIT.refused,
      "bad_request",
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`,
    );
  }
}
