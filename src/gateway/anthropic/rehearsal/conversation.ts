/** The turn that a request is part of, derived from the request alone, so that retries and restarts derive the same. */
export interface Conversation {
  /** The text that started the turn. */
  text: string;
  /** Its parts, if it is a wake prompt of the harness. */
  sender: string | undefined;
  body: string;
  /** How many pictures came with it. */
  pictures: number;
  /** Tool results since then, one text per round. */
  results: string[];
  /** The index in the session at which the turn began. */
  at: number;
  kind: "turn" | "compaction" | "helper";
  /** Names of the offered tools. */
  tools: ReadonlySet<string>;
}

interface Block {
  type?: string;
  text?: string;
  content?: unknown;
}

/**
 * The news of the agent's repositories, if there are any, then `Message from <sender>[ (redelivered…)][ (new session…)]`,
 * a blank line, the body, and how many more are queued (src/harness/prompt.ts).
 */
const WAKE =
  /^(?:News of your repositories:(?:\n- .*)+\n\n)?Message from (\S+)(?: \((?:redelivered|new session)[^)]*\))*\n\n([\s\S]*?)(?:\n\n\(\d+ more pending; call recv for them\.\))?$/;
/** How the CLI asks for a summary of the session. */
const COMPACTION = /create a detailed summary of (?:the|this|our) conversation|summary of the conversation so far|<summary>/i;

/** The parts of a request that are read. */
interface Asked {
  messages: readonly { role: string; content?: unknown }[];
  tools?: readonly { name: string }[] | undefined;
}

export function readConversation(body: Asked): Conversation {
  const results: string[] = [];
  let at = -1;
  let text = "";
  let pictures = 0;
  for (let index = body.messages.length - 1; index >= 0 && at < 0; index--) {
    const message = body.messages[index];
    if (message?.role !== "user") continue;
    const blocks = blocksOf(message.content);
    // After a cancel the CLI sends the results of the cancelled turn and the next prompt in one message.
    const woken = blocks.findLastIndex((block) => block.type === "text" && WAKE.test((block.text ?? "").trim()));
    const answers = blocks.slice(woken + 1).filter((block) => block.type === "tool_result");
    if (answers.length > 0) results.unshift(answers.map((block) => textOf(block.content)).join("\n"));
    const spoken = blocks.filter((block) => block.type === "text" && isSpoken(block.text ?? ""));
    const begin = woken >= 0 ? blocks[woken] : answers.length === 0 ? spoken.at(-1) : undefined;
    if (begin) {
      at = index;
      text = (begin.text ?? "").trim();
      pictures = blocks.filter((block) => block.type === "image").length;
    }
  }
  const match = WAKE.exec(text);
  const tools = new Set((body.tools ?? []).map((tool) => tool.name));
  const kind = COMPACTION.test(text) && !match ? "compaction" : tools.size === 0 && !match ? "helper" : "turn";
  return { text, sender: match?.[1], body: (match?.[2] ?? text).trim(), pictures, results, at, kind, tools };
}

/** False for reminders that the CLI adds to a prompt. */
function isSpoken(text: string): boolean {
  return text.trim() !== "" && !text.trimStart().startsWith("<system-reminder>");
}

function blocksOf(content: unknown): Block[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? (content as Block[]) : [];
}

function textOf(content: unknown): string {
  return blocksOf(content)
    .map((block) => block.text ?? "")
    .join("\n");
}
