import type { Command } from "commander";
import type { MessageView } from "../../wire/message.ts";
import { agentName, wholeNumber } from "../arguments.ts";
import { messageText } from "../message-text.ts";
import { clean, plural } from "../print.ts";
import { act, type Shell } from "../shell.ts";

async function stdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** Waits for the answer to a message; what was stored in the meantime counts. */
async function answerTo(shell: Shell, id: number): Promise<MessageView> {
  for await (const { event } of shell.client.stream("watch", { after: id, kinds: ["message"] })) {
    if (event?.kind === "message" && event.message.to === "operator" && event.message.in_reply_to === id) return event.message;
  }
  throw new Error("the hive stopped before an answer came");
}

/** Verbs about messages. */
export function messageCommands(program: Command): void {
  act<{ replyTo?: number; wait?: boolean }>(
    program
      .command("send")
      .argument("<to>", "an agent, with or without @; '*' for all of them", agentName)
      .argument("[text...]", "the message; none or `-` reads it from stdin")
      .description("send a message as the operator")
      .option("-r, --reply-to <message>", "the message that this answers", wholeNumber)
      .option("-w, --wait", "wait for the answer and print it"),
    async (shell, [to, words = []]: [string, string[]?], { replyTo, wait }) => {
      const body = words.length === 0 || words.join(" ") === "-" ? await stdin() : words.join(" ");
      const { randomUUID } = await import("node:crypto");
      const sent = await shell.client.call("send", { to, body, client_id: randomUUID(), in_reply_to: replyTo });
      const [first] = sent.sent;
      if (sent.refused.length > 0) shell.partial();
      if (wait !== true || !first) {
        return shell.show(sent, () =>
          [
            ...sent.sent.map((one) => `#${one.id} to ${one.to}: ${one.state === "leased" ? "in its turn" : one.state}`),
            ...sent.refused.map((one) => shell.paint("red", `${one.to}: ${clean(one.error)}`)),
          ].join("\n"),
        );
      }
      shell.show({ message: await answerTo(shell, first.id) }, ({ message }) => clean(message.body ?? ""));
    },
  );

  act<{ unread?: boolean; peek?: boolean; limit: number }>(
    program
      .command("inbox")
      .description("messages to you, newest last; marks them as read")
      .option("-u, --unread", "only what is not read")
      .option("-p, --peek", "leave them unread")
      .option("-n, --limit <count>", "how many", wholeNumber, 20),
    async (shell, _, { unread, peek, limit }) => {
      const inbox = await shell.client.call("inbox", { limit, unread });
      shell.show(inbox, ({ messages, read_up_to: readUpTo }) =>
        messages.length === 0
          ? unread === true
            ? "nothing unread"
            : "no message to you yet"
          : messages.map((message) => messageText(message, shell, message.id > readUpTo)).join("\n\n"),
      );
      const newest = inbox.messages.at(-1);
      if (newest && peek !== true && newest.id > inbox.read_up_to) await shell.client.call("mark_read", { up_to: newest.id });
    },
  );

  act<{ limit: number; before?: number }>(
    program
      .command("messages")
      .argument("[agent]", "only those from or to this agent", agentName)
      .description("the history of messages, newest last")
      .option("-n, --limit <count>", "how many", wholeNumber, 50)
      .option("-b, --before <message>", "older than this message", wholeNumber),
    async (shell, [agent]: [string?], { limit, before }) =>
      shell.show(await shell.client.call("messages", { limit, agent, before }), ({ messages }) =>
        messages.length === 0
          ? agent === undefined
            ? "no message yet"
            : `no message from or to ${agent}`
          : messages.map((message) => messageText(message, shell)).join("\n\n"),
      ),
  );

  act(
    program
      .command("retry")
      .argument("<message>", "its number", wholeNumber)
      .description("put a dead message back into its inbox"),
    async (shell, [id]: [number]) =>
      shell.show(
        await shell.client.call("message_retry", { id }),
        ({ message }) => `#${message.id} is in the inbox of ${clean(message.to)} again`,
      ),
  );
  act(
    program.command("drop").argument("<message>", "its number", wholeNumber).description("drop a message that was not delivered"),
    async (shell, [id]: [number]) =>
      shell.show(await shell.client.call("message_drop", { id }), ({ message }) => `#${message.id} dropped`),
  );
  act(
    program
      .command("let-go")
      .argument("<chain>", "its first message", wholeNumber)
      .description("let a chain of messages go on that the loop brake holds"),
    async (shell, [chain]: [number]) =>
      shell.show(
        await shell.client.call("chain_resume", { chain }),
        ({ released }) => `${plural(released, "message goes", "messages go")} on`,
      ),
  );
}
