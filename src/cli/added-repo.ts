import { hivectl } from "../lib/hivectl.ts";
import type { Output } from "../wire/operations.ts";
import type { RepoView } from "../wire/work.ts";
import { visible } from "./print.ts";
import { Progress } from "./progress.ts";
import type { Shell } from "./shell.ts";

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
