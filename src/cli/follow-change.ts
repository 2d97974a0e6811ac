import { hivectl } from "../lib/hivectl.ts";
import { CHECK_WORDS, mayPrint, shownCheck } from "../wire/change-checks.ts";
import { CHANGE_WORDS, isOnItsWay, type ChangeState } from "../wire/change-states.ts";
import type { HiveEvent } from "../wire/event.ts";
import type { ChangeView } from "../wire/work.ts";
import { stateText } from "./change-text.ts";
import { EXIT, Failure } from "./exit.ts";
import { rowsUntil, type Listening } from "./follow-rows.ts";
import { printLog } from "./follow-log.ts";
import { clean } from "./print.ts";
import type { Shell } from "./shell.ts";

const isSettled = ({ state }: ChangeView): boolean => !isOnItsWay(state);

/** Waits until `isOver` holds for a change. Passes each new version to `hear`. */
async function changeUntil(shell: Shell, id: number, listening: Listening<ChangeView>): Promise<ChangeView> {
  const source = {
    kind: "change",
    async read(change: number): Promise<ChangeView> {
      // The row alone: the operation of one change sends its whole diff.
      const [row] = (await shell.client.call("changes", { before: change + 1, limit: 1 })).changes;
      if (row?.id !== change)
        throw new Failure(EXIT.refused, "not_found", `there is no change ${change}: ${hivectl("change list --all")}`);
      return row;
    },
    of: (event: HiveEvent) => (event.kind === "change" ? event.change : undefined),
  } as const;
  const [last] = await rowsUntil(shell, [id], source, listening);
  if (!last) throw new Error(`change ${id} was not followed`);
  return last;
}

/** Follows an approved change until it is merged and prints each step. Throws if it came back or ended otherwise. */
export async function followChange(shell: Shell, id: number): Promise<ChangeView> {
  shell.waitsFor(`the merge of change ${id} continues; ${hivectl(`change show ${id}`)} shows the state`);
  let state: ChangeState | undefined;
  const ended = await changeUntil(shell, id, {
    isOver: isSettled,
    hear(change) {
      if (change.state !== state) shell.say(stateText(change.state, shell));
      ({ state } = change);
    },
  });
  if (ended.state !== "merged") throw new Failure(EXIT.refused, "failed", `change ${id}: ${endWords(ended)}`, { change: ended });
  return ended;
}

/** How a change ended or came back, and why. */
function endWords({ state, reason, note, merged_sha: merged }: ChangeView): string {
  const why = state === "merged" ? merged?.slice(0, 12) : (reason ?? note);
  return `${CHANGE_WORDS[state]}${why === undefined ? "" : `: ${clean(why)}`}`;
}

/**
 * Prints the log of a change's check, and with `isFollowing` new lines until the check before the decision
 * has ended, or the change is merged or comes back.
 */
export async function checkLog(
  shell: Shell,
  id: number,
  { lines, isFollowing }: { lines: number; isFollowing: boolean },
): Promise<void> {
  await printLog(
    shell,
    {
      read: (client, after) => client.call("change_log", { change: id, lines, ...(after === undefined ? {} : { after }) }),
      nothing: `no check of change ${id} has printed anything`,
      async ended() {
        shell.waitsFor(`the check goes on; ${hivectl(`change log ${id}`)} shows its log`);
        const change = await changeUntil(shell, id, { isOver: (one) => !mayPrint(one) });
        const check = shownCheck(change);
        return `change ${id}: ${check === undefined ? "" : `${CHECK_WORDS[check.state]}, `}${endWords(change)}`;
      },
    },
    isFollowing,
  );
}
