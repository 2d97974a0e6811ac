import type { Readable } from "node:stream";

/** Reads a message from standard input to its end. On a terminal, first prints on standard error how to end the message. */
export async function readMessage(
  input: Readable & { isTTY?: boolean } = process.stdin,
  tell: (words: string) => void = (words) => void process.stderr.write(words),
): Promise<string> {
  if (input.isTTY === true) tell("reading the message from the terminal; end it with Ctrl-D on a line of its own\n");
  const chunks: Buffer[] = [];
  for await (const chunk of input) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
