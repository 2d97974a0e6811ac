import { Argument, type Command } from "commander";
import { hivectl } from "../../lib/hivectl.ts";
import { Reconciliation } from "../../wire/divergence.ts";
import type { Output } from "../../wire/operations.ts";
import { waits } from "../arguments.ts";
import { asksFirst, confirm } from "../deciding.ts";
import { plural } from "../print.ts";
import { act } from "../shell.ts";

/** The verb that brings a diverged base and its upstream together. */
export function repoReconcileCommand(repo: Command): void {
  act<{ base?: string; yes?: boolean }>(
    waits(
      asksFirst(
        repo
          .command("reconcile")
          .argument("<repo>", "the repository")
          .addArgument(new Argument("[way]", "how; without it, both sides are shown").choices(Reconciliation.options))
          .description("bring a base that has diverged and its upstream together")
          .option("--base <branch>", "the base; by default the repository's base"),
      ),
    ),
    async (shell, [name, by]: [string, Reconciliation?], { base, yes }) => {
      const { divergenceText } = await import("../divergence-text.ts");
      if (by === undefined) {
        const view = await shell.client.call("repo_divergence", { name, base });
        return shell.show(view, (output) => divergenceText(output, name, shell));
      }
      shell.waitsFor(`it continues; ${hivectl(`repo show ${name}`)} shows the bases`);
      if (by !== "reset") {
        const done = await shell.client.call("repo_reconcile", { name, base, by });
        return shell.show(done, (output) => doneText(output, name, by));
      }
      const view = await shell.client.call("repo_divergence", { name, base });
      shell.say(divergenceText(view, name, shell));
      const out = view.undone === 0 ? "" : `, which takes ${plural(view.undone, "merged change")} out of it`;
      await confirm(shell, { yes: yes === true }, `reset ${view.base} to ${view.upstream.tip.slice(0, 12)}${out}`);
      // The tips that were shown: the reset is refused if they have moved since.
      const seen = { ours: view.ours.tip, upstream: view.upstream.tip };
      const done = await shell.client.call("repo_reconcile", { name, base: view.base, by, ...seen });
      shell.show(done, (output) => doneText(output, name, by));
    },
  );
}

function doneText({ base, from, to, kept, repo }: Output<"repo_reconcile">, name: string, by: Reconciliation): string {
  const moved = `${base} moved from ${from.slice(0, 12)} to ${to.slice(0, 12)}`;
  const isApart = repo.queues.some((queue) => queue.base === base && queue.diverged === true);
  if (by === "merge")
    return `${moved}, which contains both sides: \`git pull hive ${base}\` in your clone, then ${hivectl(`repo fetch ${name}`)}`;
  if (by === "undo") return `${moved}${isApart ? "; it has diverged from its upstream again, and its queue is stopped" : ""}`;
  return `${moved}; ${kept ?? ""} keeps the old tip, and ${hivectl(`repo reconcile ${name} undo --base ${base}`)} goes back to it`;
}
