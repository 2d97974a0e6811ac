import { hivectl } from "../lib/hivectl.ts";
import { isBeforeBuilt } from "../wire/request-states.ts";
import { printLog } from "./follow-log.ts";
import { endWords, requestsUntil } from "./follow.ts";
import type { Shell } from "./shell.ts";

/** Prints the log of a request's build, and with `isFollowing` new lines until the build has ended. */
export async function buildLog(
  shell: Shell,
  id: number,
  { lines, isFollowing }: { lines: number; isFollowing: boolean },
): Promise<void> {
  await printLog(
    shell,
    {
      read: (client, after) => client.call("build_log", { id, lines, ...(after === undefined ? {} : { after }) }),
      nothing: `the build of request ${id} has printed nothing`,
      async ended() {
        shell.waitsFor(`the build goes on; ${hivectl(`build-log ${id}`)} shows its log`);
        const [approval] = await requestsUntil(shell, [id], { isOver: ({ state }) => !isBeforeBuilt(state) });
        return approval ? `#${id} ${approval.state === "waiting" ? "built" : endWords(approval)}` : "";
      },
    },
    isFollowing,
  );
}
