import { connectLines, type LineClient } from "../../rpc/client.ts";
import type { ApprovalView } from "../../wire/approval.ts";
import { isOperator } from "../../wire/roles.ts";
import { answeredWords, chosenBy } from "../chosen.ts";
import { failureOf } from "../exit.ts";
import { clean } from "../print.ts";
import type { Effect } from "./press.ts";

/** The result of an effect in words; `isError` if the daemon refused it. */
export interface Outcome {
  words: string;
  isError: boolean;
}

type Act = Exclude<Effect, { do: "quit" | "tail" | "look" }>;

/** The words to show while an effect runs. */
export function underWay(effect: Act): string {
  if (effect.do === "approve") return `approving #${effect.request.id}…`;
  if (effect.do === "write")
    return effect.to.kind === "answer" ? `answering question #${effect.to.question.id}…` : `denying #${effect.to.request.id}…`;
  const words = { cancel: "cancelling the turn of", stop: "stopping", start: "starting", pause: "pausing", resume: "resuming" };
  return `${words[effect.do]} ${effect.agent}…`;
}

/** Asks the daemon for an effect on a connection of its own, because the screen's connection is a stream. Never rejects. */
export async function carryOut(effect: Act, socketPath: string): Promise<Outcome> {
  let client: LineClient | undefined;
  try {
    client = await connectLines(socketPath, { ordered: true });
    return { words: await call(effect, client), isError: false };
  } catch (error) {
    return { words: clean(failureOf(error).message), isError: true };
  } finally {
    client?.close();
  }
}

async function call(effect: Act, client: LineClient): Promise<string> {
  switch (effect.do) {
    case "approve": {
      // The digest binds the approval to what was shown. Parts that were not shown make the daemon refuse it.
      const { id, sha, digest } = effect.request;
      await client.call("approve", { id, sha, digest });
      return `#${id} approved`;
    }
    case "write":
      return effect.to.kind === "answer"
        ? answer(effect.to.question.id, effect.text, client)
        : deny(effect.to.request, effect.text, client);
    case "cancel": {
      const { cancelled } = await client.call("cancel", { name: effect.agent });
      return cancelled ? `the turn of ${effect.agent} was cancelled` : `${effect.agent} had no turn running`;
    }
    case "stop":
    case "start": {
      const { results } = await client.call(effect.do, { scope: { agent_names: [effect.agent] } });
      const refused = results.find((one) => !one.ok);
      if (refused) throw new Error(refused.error ?? "it was refused");
      return `${effect.agent} ${effect.do === "stop" ? "stopped" : "started"}`;
    }
    case "pause":
    case "resume":
      await client.call("set_paused", { name: effect.agent, paused: effect.do === "pause" });
      return `${effect.agent} ${effect.do === "pause" ? "paused" : "resumed"}`;
  }
}

/** Answers with the options whose numbers the text has, or else with the text. */
async function answer(id: number, text: string, client: LineClient): Promise<string> {
  const options = chosenBy(text, (await client.call("question", { id })).question);
  const { question } = await client.call("answer", options ? { id, options } : { id, text });
  return answeredWords(question);
}

async function deny({ id }: ApprovalView, note: string, client: LineClient): Promise<string> {
  const { approval } = await client.call("deny", { id, ...(note === "" ? {} : { note }) });
  return `#${id} denied${isOperator(approval.requested_by) ? "" : `; ${clean(approval.requested_by)} is notified`}`;
}
