import { existsSync } from "node:fs";
import type { Agent } from "../../agents/agent.ts";
import type { Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import { MAX_REPO_OBJECTS } from "../git/import.ts";
import { oneLine } from "../transport/push-report.ts";
import type { WorkContext } from "../work-context.ts";
import { CLONE_SCRIPT, INDEX_SCRIPT, WORKSPACE_SCRIPT } from "./workspace-script.ts";

/** Bytes of the list of one folder: every object of the largest repository, 41 bytes each. */
const MAX_LIST_BYTES = MAX_REPO_OBJECTS * 41;
/** Time for one folder with the dependencies of several builds on a slow disk. Milliseconds. */
const LIST_MS = 10 * 60_000;

const SHA = /^[0-9a-f]{40}$/;

/**
 * The objects that an agent's clones of a repository need, wherever the agent has put them in `/work` and `/state`. The
 * list may name objects that are not in the repository. It is read in the sandbox with the agent's identity. Throws
 * `conflict` if anything cannot be read.
 */
export async function neededBy(
  { git, paths }: Pick<WorkContext, "git" | "paths">,
  repo: string,
  agent: Pick<Agent, "id" | "name" | "record">,
): Promise<Set<Sha>> {
  const { work, state } = paths.agent(agent.id);
  const needed = new Set<Sha>();
  for (const folder of [work, state].filter((one) => existsSync(one))) {
    const ended = await git.besideFolder(
      repo,
      folder,
      agent.record.identity,
      WORKSPACE_SCRIPT,
      [CLONE_SCRIPT, INDEX_SCRIPT, repo],
      {
        maxBytes: MAX_LIST_BYTES,
        timeoutMs: LIST_MS,
      },
    );
    const lines = ended.stdout.toString("latin1").split("\n");
    if (ended.tooMuch) throw refusal(agent.name, `its clones name more than ${MAX_REPO_OBJECTS} objects`);
    if (ended.tooLong) throw refusal(agent.name, `reading it took longer than ${LIST_MS / 60_000} minutes`);
    const bad = lines.find((line) => line.startsWith("bad"));
    if (bad !== undefined || ended.code !== 0 || lines.at(-2) !== "end")
      throw refusal(agent.name, [bad?.slice("bad".length).trim(), ended.stderr.trim()].filter(Boolean).join(": "));
    for (const line of lines) for (const word of line.split(" ")) if (SHA.test(word)) needed.add(word);
  }
  return needed;
}

/** Characters of a reason that are shown. */
const MAX_WHY_CHARS = 400;

function refusal(agent: string, why: string): HiveError {
  const words = oneLine(why).slice(0, MAX_WHY_CHARS) || "reading it failed";
  return new HiveError(
    "conflict",
    `the files of ${agent} cannot be read, and they may need any object: ${words}. Nothing was removed. Let ${agent} mend or remove it, drop the workspace, or purge the agent`,
  );
}
