import { hivectl } from "../lib/hivectl.ts";
import { connectLines } from "../rpc/client.ts";
import type { Output, Parsed } from "../wire/operations.ts";
import { clean, plural } from "./print.ts";
import { Progress } from "./progress.ts";
import { sizeText } from "../wire/size-text.ts";
import type { Shell } from "./shell.ts";

/** Removes the unneeded objects of a repository, and prints meanwhile what the hive does. */
export async function collect(shell: Shell, input: Parsed<"repo_gc">): Promise<Output<"repo_gc">> {
  if (input.dry_run) return shell.client.call("repo_gc", input);
  shell.waitsFor(`the removal continues; ${hivectl(`repo show ${input.name}`)} shows the size`);
  const progress = new Progress(shell.isJson);
  const over = new AbortController();
  const told = tellSteps(shell, input.name, progress, over.signal).catch(() => {
    // Without the progress the result is the same.
  });
  try {
    return await shell.client.call("repo_gc", input);
  } finally {
    over.abort();
    await told;
    progress.end();
  }
}

async function tellSteps({ socketPath }: Shell, name: string, progress: Progress, over: AbortSignal): Promise<void> {
  // A stream needs a connection of its own.
  const client = await connectLines(socketPath, { ordered: true });
  for await (const { event } of client.stream("watch", { kinds: ["repo"] }, { signal: over })) {
    if (event?.kind !== "repo" || event.repo?.name !== name || event.repo.collecting === undefined) continue;
    // "packing 45%": the figure changes, the step does not.
    const [, what = event.repo.collecting, far = ""] = /^(.*?) (\d+%)$/.exec(event.repo.collecting) ?? [];
    progress.tell(clean(what), far);
  }
}

/** Words for what a removal has done, or would do. */
export function collectedText(
  { before, after, branches, stopped }: Output<"repo_gc">,
  { name, dryRun }: { name: string; dryRun: boolean },
): string {
  const of = ({ objects, bytes }: typeof before): string => `${plural(objects, "object")}, ${sizeText(bytes)}`;
  const lines = [`${name}: ${of(before)} before; ${of(after)} ${dryRun ? "would be left" : "after"}`];
  const goes = dryRun ? "would be removed" : "are removed";
  if (branches.length > 0)
    lines.push(`branches that were last pushed more than 30 days ago ${goes}: ${clean(branches.join(", "))}`);
  if (stopped.length > 0) lines.push(`stopped meanwhile, and started again: ${stopped.join(", ")}`);
  return lines.join("\n");
}
