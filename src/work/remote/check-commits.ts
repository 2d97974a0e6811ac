import type { Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import type { UpstreamRefs } from "../git/upstream-refs.ts";
import type { GitWorker } from "../git/worker.ts";

/**
 * The tags of another host that name commits, once their objects are there. Throws if a branch names anything but a
 * commit: no git server has that.
 */
export async function checkCommits(
  git: GitWorker,
  repo: string,
  where: string,
  { heads, tags }: UpstreamRefs,
): Promise<Map<string, Sha>> {
  const named = [...heads.values(), ...[...tags.values()].map((sha) => `${sha}^{}`)];
  const out = await git.read(repo, ["cat-file", "--batch-check=%(objecttype)", "--buffer"], { input: `${named.join("\n")}\n` });
  const types = out.toString("latin1").split("\n");
  const wrong = [...heads.keys()].find((_, at) => types[at] !== "commit");
  if (wrong !== undefined) throw new HiveError("bad_request", `the branch ${wrong} of ${where} names no commit`);
  return new Map([...tags].filter((_, at) => types[heads.size + at] === "commit"));
}
