import type { Command } from "commander";
import type { MessageView } from "../../wire/message.ts";
import type { Output } from "../../wire/operations.ts";
import { agentName, repeated, waits, wholeNumber } from "../arguments.ts";
import { EXIT, Failure, isRefusal } from "../exit.ts";
import { messageText } from "../message-text.ts";
import { olderWords } from "../older.ts";
import { clean, plural } from "../print.ts";
import { act, type Shell } from "../shell.ts";
import { standstill } from "../standstill.ts";
import { readMessage } from "../stdin.ts";

/** Prints what was sent, and which recipients take no message as they are. Refusals make it a partial failure. */
async function showSent(shell: Shell, sent: Output<"send">): Promise<void> {
  const isQueued = sent.sent.some((one) => one.state === "queued");
  const state = isQueued && !shell.isJson ? (await shell.client.call("state", { messages: 0 })).state : undefined;
  const lines = sent.sent.map((one) => {
    const agent = one.state === "queued" ? state?.agents.find(({ name }) => name === one.to) : undefined;
    const why = agent && standstill(agent, state?.hive.over_budget);
    return `#${one.id} to ${one.to}: ${one.state === "leased" ? "in its turn" : one.state}${why === undefined ? "" : `; ${clean(why)}`}`;
  });
  if (sent.refused.length === 0) return shell.show(sent, () => lines.join("\n"));
  for (const line of lines) shell.say(line);
  throw new Failure(EXIT.partial, "partial", refusedWords(sent), sent);
}

const refusedWords = ({ refused }: Output<"send">): string =>
  `not sent to ${refused.map((one) => `${one.to}: ${clean(one.error)}`).join("\n  ")}`;

/** The message with all of its text: events have the beginning of a long one. */
const wholeOf = async (shell: Shell, message: MessageView): Promise<MessageView> =>
  message.cut === true ? (await shell.client.call("message", { id: message.id })).message : message;

/** The line under messages that are listed newest last. */
const under = (shell: Shell, messages: readonly MessageView[], more: boolean | undefined): string => {
  const words = olderWords(shell, more, messages[0]?.id);
  return words === "" ? "" : `\n${words}`;
};

/** Waits for the answers and prints them, and reports the messages that ended without one. */
async function showAnswers(shell: Shell, sent: Output<"send">, isForAll: boolean): Promise<void> {
  const { Answers } = await import("../answers.ts");
  const answers = new Answers(shell, sent.sent);
  await answers.all();
  const { unanswered } = answers;
  const answered = await Promise.all(answers.answered.map((message) => wholeOf(shell, message)));
  for (const message of answered) shell.say(`${isForAll ? `${clean(message.from)}: ` : ""}${clean(message.body ?? "")}`);
  await markPrinted(shell, new Set(answered.map(({ id }) => id)));
  const facts = isForAll ? { messages: answered, unanswered, refused: sent.refused } : { message: answered[0], ...unanswered[0] };
  if (unanswered.length === 0 && sent.refused.length === 0) return shell.show(facts, () => "");
  const words = unanswered.map((one) => `#${one.id} to ${one.to} has no answer: ${one.reason}`);
  if (sent.refused.length > 0) words.push(refusedWords(sent));
  const [exit, code] = answered.length > 0 ? ([EXIT.partial, "partial"] as const) : ([EXIT.unanswered, "unanswered"] as const);
  throw new Failure(exit, code, words.join("\n"), facts);
}

/** Unread messages that are checked for one that was not printed. */
const MAX_CHECKED = 200;

/**
 * Marks printed messages as read, up to the first unread one that was not printed: what is read is one position in the
 * inbox.
 */
async function markPrinted({ client }: Shell, printed: ReadonlySet<number>): Promise<void> {
  const { messages } = await client.call("inbox", { limit: MAX_CHECKED, unread: true });
  // There may be older ones that were not printed.
  if (messages.length === MAX_CHECKED) return;
  const unread = messages.map(({ id }) => id).sort((a, b) => a - b);
  const first = unread.findIndex((id) => !printed.has(id));
  const last = (first < 0 ? unread : unread.slice(0, first)).at(-1);
  if (last !== undefined) await markRead({ client }, last);
}

/** Marks messages as read. A viewer reads without leaving a mark. */
async function markRead({ client }: Pick<Shell, "client">, upTo: number): Promise<void> {
  try {
    await client.call("mark_read", { up_to: upTo });
  } catch (error) {
    if (!isRefusal(error) || error.code !== "forbidden") throw error;
  }
}

/** Verbs for messages. */
export function messageCommands(program: Command): void {
  act<{ replyTo?: number; wait?: boolean; file?: string[] }>(
    waits(
      program
        .command("send")
        .argument("<to>", "an agent, with or without @; '*' for all of them", agentName)
        .argument("[text...]", "the message; none or `-` reads it from stdin")
        .description("send a message as the operator")
        .option("-r, --reply-to <message>", "the message that this answers", wholeNumber)
        .option("-f, --file <path>", "a file for the agent's inbox; pictures are shown to its model (repeatable)", repeated)
        .option("-w, --wait", "wait for the answer and print it; what ends without one is exit code 5"),
    ),
    async (shell, [to, words = []]: [string, string[]?], { replyTo, wait, file = [] }) => {
      const isTyped = words.length > 0 && words.join(" ") !== "-";
      // Files alone are a message, too.
      const text = isTyped ? words.join(" ") : words.length === 0 && file.length > 0 ? "" : await readMessage();
      const body = file.length === 0 ? text : await (await import("../send-file.ts")).withFiles(shell, to, text, file);
      const { randomUUID } = await import("node:crypto");
      const sent = await shell.client.call("send", { to, body, client_id: randomUUID(), in_reply_to: replyTo });
      if (wait === true) await showAnswers(shell, sent, to === "*");
      else await showSent(shell, sent);
    },
  );

  act<{ unread?: boolean; peek?: boolean; limit: number; before?: number }>(
    program
      .command("inbox")
      .description("messages to you, newest last; marks them as read")
      .option("-u, --unread", "only what is not read")
      .option("-p, --peek", "leave them unread")
      .option("-n, --limit <count>", "how many", wholeNumber, 20)
      .option("-b, --before <message>", "older than this message", wholeNumber),
    async (shell, _, { unread, peek, limit, before }) => {
      const inbox = await shell.client.call("inbox", { limit, unread, before });
      const newest = inbox.messages.at(-1);
      // Mark before printing: if marking failed afterwards, --json would print a second document.
      if (newest && peek !== true && newest.id > inbox.read_up_to) await markRead(shell, newest.id);
      shell.show(inbox, ({ messages, more, read_up_to: readUpTo }) =>
        messages.length === 0
          ? unread === true
            ? "nothing unread"
            : "no message to you yet"
          : messages.map((message) => messageText(message, shell, message.id > readUpTo)).join("\n\n") +
            under(shell, messages, more),
      );
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
      shell.show(await shell.client.call("messages", { limit, agent, before }), ({ messages, more }) =>
        messages.length === 0
          ? agent === undefined
            ? "no message yet"
            : `no message from or to ${agent}`
          : messages.map((message) => messageText(message, shell)).join("\n\n") + under(shell, messages, more),
      ),
  );

  act(
    program
      .command("message")
      .argument("<message>", "its number", wholeNumber)
      .description("one message with all of its text; lists have the beginning of a long one"),
    async (shell, [id]: [number]) =>
      shell.show(await shell.client.call("message", { id }), ({ message }) => messageText(message, shell)),
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
      .description("release a chain of messages that the loop brake holds"),
    async (shell, [chain]: [number]) =>
      shell.show(
        await shell.client.call("chain_resume", { chain }),
        ({ released }) => `${plural(released, "message goes", "messages go")} on`,
      ),
  );
}
