import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import type { MessageView } from "../../wire/message.ts";
import { age, clean, indented, type Paint } from "../print.ts";
import { withShell, type Shell } from "../shell.ts";

const STATES: Record<MessageView["state"], string> = {
  queued: "queued",
  leased: "in turn",
  done: "",
  dead: "dead",
  dropped: "dropped",
  held: "held",
};

/** A message as people read it. */
function messageText(message: MessageView, now: number, paint: Paint, isUnread = false): string {
  const state = STATES[message.state];
  const reply = message.in_reply_to === undefined ? "" : paint("dim", ` ↰${message.in_reply_to}`);
  const head = `${isUnread ? paint("amber", "● ") : ""}${paint("bold", clean(message.from))} → ${clean(message.to)} ${paint("dim", `#${message.id} · ${age(message.created_at, now)} ago`)}${reply}${state ? ` ${paint("amber", state)}` : ""}`;
  return `${head}\n${indented(clean(message.body ?? "(removed by retention)"))}`;
}

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
  program
    .command("send <to> [text...]")
    .description("send a message as the operator; `-` reads the text from stdin")
    .option("-r, --reply-to <id>", "the message that this answers", Number)
    .option("-w, --wait", "wait for the answer and print it")
    .addHelpText(
      "after",
      "\nExamples:\n  hivectl send @hm1nd hello\n  hivectl send '*' 'stop what you do and report' \n  git log -5 | hivectl send @scout -\n  hivectl send @hm1nd --wait 'how are things?'",
    )
    .action((to: string, words: string[], options: { replyTo?: number; wait?: boolean }, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) => {
        const body = words.length === 0 || words.join(" ") === "-" ? await stdin() : words.join(" ");
        const sent = await shell.client.call("send", {
          to: to.replace(/^@/, ""),
          body,
          client_id: randomUUID(),
          ...(options.replyTo === undefined ? {} : { in_reply_to: options.replyTo }),
        });
        const [first] = sent.sent;
        if (options.wait !== true || !first) {
          shell.show(sent, () =>
            sent.sent.map((one) => `#${one.id} to ${one.to}: ${one.state === "leased" ? "in its turn" : one.state}`).join("\n"),
          );
          return;
        }
        shell.show({ message: await answerTo(shell, first.id) }, ({ message }) => clean(message.body ?? ""));
      }),
    );

  program
    .command("inbox")
    .description("messages to you, newest last; marks them as read")
    .option("-u, --unread", "only what is not read")
    .option("-p, --peek", "leave them unread")
    .option("-n, --limit <count>", "how many", Number, 20)
    .action((options: { unread?: boolean; peek?: boolean; limit: number }, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) => {
        const inbox = await shell.client.call("inbox", {
          limit: options.limit,
          ...(options.unread === true ? { unread: true } : {}),
        });
        shell.show(inbox, ({ messages, read_up_to: readUpTo }) =>
          messages.length === 0
            ? "nothing here"
            : messages.map((message) => messageText(message, shell.now, shell.paint, message.id > readUpTo)).join("\n\n"),
        );
        const newest = inbox.messages.at(-1);
        if (newest && options.peek !== true && newest.id > inbox.read_up_to)
          await shell.client.call("mark_read", { up_to: newest.id });
      }),
    );

  program
    .command("messages [agent]")
    .description("the history of messages, newest last, of all or of one agent")
    .option("-n, --limit <count>", "how many", Number, 50)
    .option("-b, --before <id>", "older than this message", Number)
    .action((agent: string | undefined, options: { limit: number; before?: number }, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) => {
        const query = {
          limit: options.limit,
          ...(agent === undefined ? {} : { agent: agent.replace(/^@/, "") }),
          ...(options.before === undefined ? {} : { before: options.before }),
        };
        shell.show(await shell.client.call("messages", query), ({ messages }) =>
          messages.length === 0
            ? "nothing here"
            : messages.map((message) => messageText(message, shell.now, shell.paint)).join("\n\n"),
        );
      }),
    );

  program
    .command("retry <id>")
    .description("put a dead message back into its inbox")
    .action((id: string, _, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) =>
        shell.show(
          await shell.client.call("message_retry", { id: Number(id) }),
          ({ message }) => `#${message.id} is in the inbox of ${message.to} again`,
        ),
      ),
    );
  program
    .command("drop <id>")
    .description("drop a message that was not delivered")
    .action((id: string, _, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) =>
        shell.show(await shell.client.call("message_drop", { id: Number(id) }), ({ message }) => `#${message.id} dropped`),
      ),
    );
  program
    .command("let-go <chain>")
    .description("let a chain of messages go on that the loop brake holds")
    .action((chain: string, _, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) =>
        shell.show(
          await shell.client.call("chain_resume", { chain: Number(chain) }),
          ({ released }) => `${released} messages go on`,
        ),
      ),
    );
}
