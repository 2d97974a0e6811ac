import { connectLines } from "../rpc/client.ts";
import type { ApprovalView } from "../wire/approval.ts";
import { EXIT, Failure } from "./exit.ts";
import { clean } from "./print.ts";
import { stateColour } from "./request-text.ts";
import type { Shell } from "./shell.ts";

const SETTLED: readonly ApprovalView["state"][] = ["deployed", "failed", "denied", "cancelled"];

/** Follows a request until it is settled, telling people each step; resolves with how it ended. */
export async function followRequest(shell: Shell, id: number): Promise<ApprovalView> {
  shell.waitsFor(`#${id} goes on; \`hivectl show ${id}\` says how it stands`);
  const { approval } = await shell.client.call("show", { id });
  let last = approval;
  const tell = ({ state }: ApprovalView): void => shell.say(shell.paint(stateColour(state), state));
  tell(last);
  if (SETTLED.includes(last.state)) return last;
  // A stream has its connection for itself.
  const client = await connectLines(shell.socketPath, { ordered: true });
  for await (const { event } of client.stream("watch", { after: last.seq, kinds: ["approval"] })) {
    if (event?.kind === "reset") return followRequest(shell, id);
    if (event?.kind !== "approval" || event.approval.id !== id) continue;
    if (event.approval.state !== last.state) tell(event.approval);
    last = event.approval;
    if (SETTLED.includes(last.state)) return last;
  }
  throw new Error("the stream ended before the request was settled");
}

/** The failure of a request that was followed and is settled in another way than deployed. */
export function notDeployed(approval: ApprovalView, facts: object = {}): Failure {
  const why = approval.error ?? approval.note;
  const words = `#${approval.id} ${approval.state}${why === undefined ? "" : `: ${clean(why)}`}`;
  return new Failure(EXIT.refused, "failed", words, { ...facts, approval });
}

/** What a verb that made a request ends with: its number at once, or with `isWaiting` how it ended. */
export async function showRequest(shell: Shell, request: number, words: string, isWaiting: boolean | undefined): Promise<void> {
  if (isWaiting !== true) return shell.show({ request }, () => words);
  shell.say(words);
  const approval = await followRequest(shell, request);
  if (approval.state !== "deployed") throw notDeployed(approval, { request });
  shell.show({ request, approval }, () => "");
}
