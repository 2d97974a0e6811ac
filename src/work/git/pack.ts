import { GitError } from "../../os/git/git.ts";
import { killGroup } from "../../os/run-bytes.ts";
import type { Sha } from "../../wire/approval.ts";
import { outcome } from "./folder-source.ts";
import type { Ends } from "./import.ts";
import type { GitWorker } from "./worker.ts";

/** The objects of the history of `wants` that a repository with `haves` lacks. Throws at its end if git has failed. */
export async function* packHistoryOf(
  git: Pick<GitWorker, "packHistory">,
  repo: string,
  { wants, haves }: Ends,
): AsyncGenerator<Buffer, void, undefined> {
  const child = git.packHistory(repo);
  try {
    const ended = outcome(child);
    child.stdin?.on("error", () => {}); // Its exit gives the reason.
    child.stdin?.end(linesOf(wants, haves));
    for await (const chunk of child.stdout ?? []) yield chunk as Buffer;
    const { code, said } = await ended;
    if (code !== 0) throw new GitError(`git pack-objects: ${said.trim()} (exit ${code ?? "by a signal"})`);
  } finally {
    killGroup(child);
  }
}

const linesOf = (wants: readonly Sha[], haves: readonly Sha[]): string =>
  `${[...wants, ...haves.map((have) => `^${have}`)].join("\n")}\n`;
