import { Option, type Command } from "commander";
import { hivectl } from "../../lib/hivectl.ts";
import { CHANGE_WORDS, changeCan, isOnItsWay } from "../../wire/change-states.ts";
import { MAX_QUOTE_CHARS, type ChangeView } from "../../wire/work.ts";
import { approves, consent, type Approving } from "../approving.ts";
import { shownCheck } from "../../wire/change-checks.ts";
import { agentName, waits, wholeNumber } from "../arguments.ts";
import { asksFirst, choose, mayAsk, merges, notes } from "../deciding.ts";
import { EXIT, Failure, UsageError } from "../exit.ts";
import { olderWords } from "../older.ts";
import { clean, plural, visible } from "../print.ts";
import { act, type Shell } from "../shell.ts";
import { group } from "../verbs.ts";

/** The starts of a diff: names of the contract, as the command line writes them. */
const STARTS = { "merge-base": "merge_base", "base-tip": "base_tip", "last-reviewed": "last_reviewed" } as const;

/** Verbs for changes: list them, show them, decide on them, and follow the merge queue. */
export function changeCommands(program: Command): void {
  const change = group(program, "change", "changes of agents: list, show, comment, approve, return them; their merge queue");
  const one = (verb: string, words: string): Command =>
    change.command(verb).argument("<id>", "the change", wholeNumber).description(words);

  act<{ repo?: string; agent?: string; all?: boolean; limit: number; before?: number }>(
    change
      .command("list")
      .description("the open changes, newest first; --all also lists those that have ended")
      .option("-r, --repo <repo>", "of this repository")
      .option("--agent <agent>", "of this agent", agentName)
      .option("-a, --all", "also those that are merged, denied or withdrawn")
      .option("-n, --limit <count>", "how many", wholeNumber, 50)
      .option("-b, --before <id>", "older than this one", wholeNumber),
    async (shell, _, { repo, agent, all = false, limit, before }) => {
      const { changeTable } = await import("../change-text.ts");
      const output = await shell.client.call("changes", { repo, agent, open: !all, limit, before });
      shell.show(output, ({ changes, more }) =>
        changes.length === 0
          ? `no change ${all ? "was proposed" : "is open"}`
          : `${changeTable(changes, shell)}${olderWords(shell, more, changes.at(-1)?.id)}`,
      );
    },
  );

  act<{ file?: string; against: keyof typeof STARTS }>(
    one("show", "a change with its comments, its diff and what you should not miss")
      .option("-f, --file <path>", "one file to its end, also where it is long or not text")
      .addOption(
        new Option("--against <start>", "diff against the merge base, the base's tip now, or what was last reviewed")
          .choices(Object.keys(STARTS))
          .default("merge-base"),
      ),
    async (shell, [id]: [number], options) => {
      const against = STARTS[options.against];
      const { file: path } = options;
      if (path !== undefined) {
        const { showPatch } = await import("../patch.ts");
        return showPatch(shell, (after) => shell.client.call("change_file", { change: id, against, path, after }));
      }
      const { changeText } = await import("../change-text.ts");
      const output = await shell.client.call("change", { change: id, against });
      const isTipShown = output.change.conflicts_with !== undefined || shownCheck(output.change)?.onto !== undefined;
      const tip = isTipShown ? await tipOf(shell, output.change) : undefined;
      shell.show(output, () => changeText(output, shell, tip));
    },
  );

  act<Approving & { withoutComments?: true }>(
    approves(
      asksFirst(notes(merges(one("approve", "approve a change: shows its whole diff and asks, unless the answer is given")))),
    ).option("--without-comments", "approve although comments of yours are not sent; without it --yes and --sha are refused"),
    async (shell, [id]: [number], options) => {
      const shown = await shell.client.call("change", { change: id });
      const { sha, digest, stat, comments } = shown.change;
      const isWaiting = changeCan(shown.change, "approve");
      const { changeSummary, changeText } = await import("../change-text.ts");
      await consent(
        shell,
        {
          label: `change ${id}`,
          show: `change show ${id}`,
          waits: isWaiting,
          sha,
          stat,
          files: shown.files,
          summary: () => changeSummary(shown.change, shown.base_sha, shell),
          text: () => changeText(shown, shell),
        },
        options,
      );
      const { unshown, note } = options;
      if (isWaiting && options.withoutComments !== true && comments.draft > 0) {
        const asks = options.yes !== true && options.sha === undefined && mayAsk(shell);
        if ((await aboutDrafts(id, comments.draft, asks)) === "send")
          return shell.show(await shell.client.call("change_return", { change: id, note }), told);
      }
      const output = await shell.client.call("change_approve", { change: id, sha, digest, unshown, note });
      await queued(shell, output, `change ${id} is approved`, options.wait);
    },
  );

  act<{ note?: string }>(notes(one("deny", "deny a change; its owner gets the note")), async (shell, [id]: [number], { note }) =>
    shell.show(await shell.client.call("change_deny", { change: id, note }), told),
  );

  act<{ file?: string; line?: number; old?: boolean }>(
    one("comment", "keep a comment as a draft; `change return` sends all drafts")
      .argument("<text>", "the comment")
      .option("-f, --file <path>", "on a line of this file, with --line")
      .option("-l, --line <number>", "the line's number in the new file", wholeNumber)
      .option("--old", "the number is that of a removed line, in the old file"),
    async (shell, [id, text]: [number, string], { file, line, old = false }) => {
      if ((file === undefined) !== (line === undefined) || (old && line === undefined))
        throw new UsageError("a comment on a line takes --file and --line; a comment on the whole change none of them");
      const place = file === undefined || line === undefined ? {} : await placeOf(shell, id, file, line, old ? "old" : "new");
      shell.show(
        await shell.client.call("change_comment", { change: id, text, ...place }),
        ({ comment }) => `comment ${comment.id} is a draft; ${hivectl(`change return ${id}`)} sends it with all others`,
      );
    },
  );

  act<{ note?: string }>(
    notes(one("return", "send a change back to its owner with all drafts and a note, as one message")),
    async (shell, [id]: [number], { note }) => shell.show(await shell.client.call("change_return", { change: id, note }), told),
  );

  act<{ note?: string }>(notes(one("withdraw", "withdraw a change, for good")), async (shell, [id]: [number], { note }) =>
    shell.show(await shell.client.call("withdraw_change", { change: id, note }), told),
  );

  act<{ wait?: boolean }>(
    merges(one("retry", "put a change that came back from the merge queue into it again")),
    async (shell, [id]: [number], { wait }) =>
      queued(shell, await shell.client.call("change_retry", { change: id }), `change ${id} is in the queue again`, wait),
  );

  act<{ note?: string }>(
    notes(one("dequeue", "take a change out of the merge queue, or close its pull request; its approval ends")),
    async (shell, [id]: [number], { note }) => shell.show(await shell.client.call("change_dequeue", { change: id, note }), told),
  );

  act(one("front", "make a change the next one of its merge queue"), async (shell, [id]: [number]) =>
    shell.show(
      await shell.client.call("change_to_front", { change: id }),
      (output) => `change ${id} is the next one of ${output.change.repo} for ${visible(output.change.base)}`,
    ),
  );

  act<{ note?: string }>(
    notes(one("revert", "propose the revert of a merged change, as a change of yours")),
    async (shell, [id]: [number], { note }) =>
      shell.show(
        await shell.client.call("change_revert", { change: id, note }),
        (output) => `change ${output.change.id} reverts change ${id}; ${hivectl(`change approve ${output.change.id}`)} merges it`,
      ),
  );

  act<{ lines: number; follow?: true }>(
    waits(
      one("log", "what the last check of a change has printed")
        .option("-n, --lines <count>", "how many lines", wholeNumber, 200)
        .option("-f, --follow", "print new lines until the change is merged or comes back"),
    ),
    async (shell, [id]: [number], { lines, follow }) => {
      const { checkLog } = await import("../follow-change.ts");
      await checkLog(shell, id, { lines, isFollowing: follow === true });
    },
  );

  act(
    one("checkout", "fetch a change into your clone, as a detached work tree of its own").argument(
      "[folder]",
      "where to; by default beside the clone",
    ),
    async (shell, [id, folder]: [number, string?]) => {
      const { change: view } = await shell.client.call("change", { change: id });
      const { checkOut } = await import("../checkout.ts");
      const made = await checkOut(process.cwd(), view, folder);
      shell.show({ folder: made, sha: view.sha, change: view }, () => checkedOutText(made, view));
    },
  );
}

/** Asks what to do with comments that are not sent. Throws if the operator cannot be asked, and for any other answer. */
async function aboutDrafts(id: number, drafts: number, asks: boolean): Promise<"send" | "approve"> {
  const are = `${plural(drafts, "comment")} of yours ${drafts === 1 ? "is" : "are"} not sent`;
  const them = drafts === 1 ? "it" : "them";
  if (!asks)
    throw new Failure(
      EXIT.refused,
      "conflict",
      `${are}: ${hivectl(`change return ${id}`)} sends ${them}, --without-comments approves without`,
    );
  return choose(`${are}: s sends ${them} and requests changes, a approves without, anything else stops `, {
    s: "send",
    a: "approve",
  });
}

/** The tip of the base that a change is for. */
async function tipOf(shell: Shell, { repo: name, base }: ChangeView): Promise<string | undefined> {
  const { repo } = await shell.client.call("repo", { name });
  return repo.bases.find((one) => one.name === base)?.sha;
}

/** How a decision has left a change. */
const told = ({ change }: { change: Pick<ChangeView, "id" | "agent" | "state"> }): string =>
  `change ${change.id} of ${clean(change.agent)}: ${CHANGE_WORDS[change.state]}`;

/** Prints a change that went into the merge queue. With --wait, follows it to its end. */
async function queued(shell: Shell, output: { change: ChangeView }, words: string, isWaiting = false): Promise<void> {
  if (!isWaiting) return shell.show(output, () => `${words}; ${hivectl(`change show ${output.change.id}`)} shows how it goes on`);
  shell.say(words);
  const { followChange } = await import("../follow-change.ts");
  shell.show({ change: await followChange(shell, output.change.id) }, ({ change }) =>
    change.merged_sha === undefined ? "" : `${visible(change.base)} is at ${change.merged_sha.slice(0, 12)}`,
  );
}

/** The place of a comment, with the line that it is about. Throws if the diff does not show that line. */
async function placeOf(shell: Shell, change: number, path: string, line: number, side: "new" | "old") {
  const { numberedLines, shownRanges, wholePatch } = await import("../patch.ts");
  const lines = numberedLines(await wholePatch((after) => shell.client.call("change_file", { change, path, after })));
  const found = lines.find((one) => one[side] === line);
  if (!found) {
    const ranges = shownRanges(lines, side) || "none";
    throw new Error(`the diff of ${visible(path)} does not show line ${line} of the ${side} file: it shows ${ranges}`);
  }
  return { path, line, side, quote: found.text.slice(0, MAX_QUOTE_CHARS) };
}

/** Says whose code a work tree has, and whether somebody has read it. */
function checkedOutText(folder: string, { id, repo, agent, sha, round, state }: ChangeView): string {
  const reviewed =
    isOnItsWay(state) || state === "merged"
      ? `It is approved (${CHANGE_WORDS[state]}).`
      : `It is not reviewed (${CHANGE_WORDS[state]}): read it before you build or run anything in that folder.`;
  return [
    `${visible(folder)}: commit ${sha.slice(0, 12)} of change ${id} of ${repo}, round ${round}. The agent ${clean(agent)} wrote this code.`,
    reviewed,
    `\`git worktree remove ${visible(folder)}\` removes the folder.`,
  ].join("\n");
}
