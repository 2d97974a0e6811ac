import { connectLines } from "../rpc/client.ts";
import type { ApprovalView } from "../wire/approval.ts";
import { oneLine } from "./print.ts";
import { stateColour } from "./request-text.ts";
import type { Shell } from "./shell.ts";

const SETTLED: readonly ApprovalView["state"][] = ["deployed", "failed", "denied", "cancelled"];

/** Follows a request until it is settled, telling people each step; resolves with how it ended. */
export async function followRequest(shell: Shell, id: number): Promise<ApprovalView> {
  const { approval } = await shell.client.call("show", { id });
  let last = approval;
  const tell = (view: ApprovalView): void => {
    const words = view.error === undefined ? "" : `: ${oneLine(view.error)}`;
    shell.say(`${shell.paint(stateColour(view.state), view.state)}${words}`);
  };
  tell(last);
  if (SETTLED.includes(last.state)) return last;
  // A stream has its connection for itself.
  const client = await connectLines(shell.socketPath, { ordered: true });
  for await (const { event } of client.stream("watch", { after: last.seq, kinds: ["approval"] })) {
    if (event?.kind !== "approval" || event.approval.id !== id) continue;
    if (event.approval.state !== last.state) tell(event.approval);
    last = event.approval;
    if (SETTLED.includes(last.state)) return last;
  }
  throw new Error("the hive stopped before the request was settled");
}

/** What a verb that made a request ends with: its number at once, or with `isWaiting` how it ended. */
export async function showRequest(shell: Shell, request: number, words: string, isWaiting: boolean | undefined): Promise<void> {
  if (isWaiting !== true) return shell.show({ request }, () => words);
  shell.say(words);
  const approval = await followRequest(shell, request);
  shell.show({ request, approval }, () => "");
  if (approval.state !== "deployed") shell.failed();
}
