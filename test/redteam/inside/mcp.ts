import { connect } from "node:net";

/** The socket of the hive's operations in a cage. */
const MCP_SOCKET = "/run/hive/mcp.sock";
/** Time for all answers. Milliseconds. */
const ANSWER_MS = 30_000;

export type Answer = Record<string, unknown>;

/** Calls operations on one connection of its own. Resolves with their answers, in the order of the calls. */
export function ask(...calls: object[]): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    const answers: Answer[] = [];
    let left = calls.length;
    let text = "";
    const socket = connect(MCP_SOCKET, () => {
      for (const [id, one] of calls.entries()) socket.write(`${JSON.stringify({ ...one, id })}\n`);
    });
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error("no answer")));
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const answer = JSON.parse(line) as Answer;
        if (typeof answer["id"] === "number") answers[answer["id"]] = answer;
        // A line without an id is the refusal of a line that could not be read.
        else answers[answers.length] = answer;
        if (--left === 0) socket.destroy();
      }
    });
    socket.once("error", reject);
    socket.once("close", () => (left > 0 ? reject(new Error("the connection was closed")) : resolve(answers)));
  });
}

/** Calls one operation. Resolves with its answer, and rejects with the words of its refusal. */
export async function call(cmd: string, input: object = {}): Promise<Answer> {
  const [answer = {}] = await ask({ cmd, ...input });
  if (answer["ok"] === true) return answer;
  throw new Error(String(answer["error"]));
}

/** Calls every operation of a list. Rejects with how many were refused in these words; resolves with any other. */
export async function callEach(names: readonly string[], refusal: RegExp): Promise<string> {
  const answers = await ask(...names.map((cmd) => ({ cmd })));
  const others = names.filter((_, at) => answers[at]?.["ok"] !== false || !refusal.test(String(answers[at]["error"])));
  if (others.length > 0) return `not refused as foreign: ${others.join(", ")}`;
  if (names.length === 0) return "there is nothing to call";
  throw new Error(`${names.length} operations refused: ${String(answers[0]?.["error"])}`);
}
