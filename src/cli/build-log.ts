import { hivectl } from "../lib/hivectl.ts";
import { isBeforeBuilt } from "../wire/request-states.ts";
import { endWords, requestsUntil } from "./follow.ts";
import { terminalText } from "./print.ts";
import type { Shell } from "./shell.ts";

/**
 * Prints the log of a request's build. With `isFollowing` it prints new lines until the build has ended; `--json` then
 * prints one answer for each part.
 */
export async function buildLog(
  shell: Shell,
  id: number,
  { lines, isFollowing }: { lines: number; isFollowing: boolean },
): Promise<void> {
  const read = (after?: number) => shell.client.call("build_log", { id, lines, ...(after === undefined ? {} : { after }) });
  const show = (part: Awaited<ReturnType<typeof read>>): void => shell.show(part, () => part.lines.map(terminalText).join("\n"));
  let part = await read();
  if (part.lines.length > 0) show(part);
  else if (!isFollowing) return shell.show(part, () => `the build of request ${id} has printed nothing`);
  if (!isFollowing) return;

  shell.waitsFor(`the build goes on; ${hivectl(`build-log ${id}`)} shows its log`);
  const ended = requestsUntil(shell, [id], { isOver: ({ state }) => !isBeforeBuilt(state) });
  for (let isOver = false; !isOver;) {
    const next = read(part.position);
    isOver = await Promise.race([next.then(() => false), ended.then(() => true)]);
    // Once the build has ended, an answer does not wait for more.
    part = isOver ? await read(part.position) : await next;
    if (part.lines.length > 0) show(part);
  }
  for (const approval of await ended) shell.say(`#${id} ${approval.state === "waiting" ? "built" : endWords(approval)}`);
}
