import { hivectl } from "../lib/hivectl.ts";
import { connectLines } from "../rpc/client.ts";
import type { ApprovalView } from "../wire/approval.ts";
import { isBeforeBuilt } from "../wire/request-states.ts";
import { endWords } from "./follow.ts";
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
  const ended = untilBuilt(shell, id);
  for (let isOver = false; !isOver;) {
    const next = read(part.position);
    isOver = await Promise.race([next.then(() => false), ended.then(() => true)]);
    // Once the build has ended, an answer does not wait for more.
    part = isOver ? await read(part.position) : await next;
    if (part.lines.length > 0) show(part);
  }
  const approval = await ended;
  shell.say(`#${id} ${approval.state === "waiting" ? "built" : endWords(approval)}`);
}

/** Resolves when the build of a request has ended. */
async function untilBuilt(shell: Shell, id: number): Promise<ApprovalView> {
  for (;;) {
    const { approval } = await shell.client.call("show", { id });
    if (!isBeforeBuilt(approval.state)) return approval;
    // A stream needs a connection of its own.
    const client = await connectLines(shell.socketPath, { ordered: true });
    for await (const { event } of client.stream("watch", { after: approval.seq, kinds: ["approval"] })) {
      if (event?.kind === "approval" && event.approval.id === id && !isBeforeBuilt(event.approval.state)) return event.approval;
      if (event?.kind === "reset") break;
    }
  }
}
