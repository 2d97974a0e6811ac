import { shortSha } from "../wire/sha.ts";
import { hivectl } from "../lib/hivectl.ts";
import type { DivergenceView } from "../wire/divergence.ts";
import { indented, plural, visible, type View } from "./print.ts";

/** Both sides of a diverged base, what a reset takes out of it, and what can be done. */
export function divergenceText({ base, ours, upstream, changes, undone }: DivergenceView, name: string, { paint }: View): string {
  const side = (words: string, { tip, count, commits }: DivergenceView["ours"]): string[] => [
    `${paint("bold", words)} has ${base} at ${shortSha(tip)}, with ${plural(count, "commit")} that the other lacks:`,
    indented(commits.map(({ sha, subject }) => `${paint("dim", shortSha(sha))} ${visible(subject)}`).join("\n")),
    ...(count > commits.length ? [`  and ${count - commits.length} more`] : []),
  ];
  const lost =
    undone === 0
      ? []
      : [
          "",
          paint("amber", `A reset takes ${plural(undone, "merged change")} out of ${base}:`),
          indented(changes.map((one) => `change ${one.id} of ${one.agent}: ${visible(one.title)}`).join("\n")),
          ...(undone > changes.length ? [`  and ${undone - changes.length} more`] : []),
        ];
  const way = (verb: string): string => hivectl(`repo reconcile ${name} ${verb} --base ${base}`);
  return [
    ...side("the hive", ours),
    ...side("the upstream", upstream),
    ...lost,
    "",
    `${way("merge")} merges both`,
    `${hivectl(`repo push ${name} --base ${base}`)} writes the hive's side to the folder as hive/${base}, to be merged there`,
    `${way("reset")} takes what the upstream has`,
  ].join("\n");
}
