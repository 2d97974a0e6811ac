import { expect, test } from "vitest";
import { UsageMeter } from "./meter.ts";

const event = (data: object): string => `event: x\ndata: ${JSON.stringify(data)}\n\n`;
const START = event({ type: "message_start", message: { model: "opus", usage: { input_tokens: 7, output_tokens: 1 } } });
const CONTENT = event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "word ".repeat(800) } });
const END = event({ type: "message_delta", usage: { output_tokens: 900 } });

/** The output that is counted of an answer that came in these pieces. */
function outputOf(...pieces: string[]): number {
  const meter = new UsageMeter("text/event-stream");
  for (const piece of pieces) meter.take(Buffer.from(piece));
  meter.end();
  return meter.tokens.output;
}

test("of a whole answer the API's own count is taken", () => {
  expect(outputOf(START, CONTENT, CONTENT, END)).toBe(900);
});

test("an answer that is cut off before its count has cost what has passed", () => {
  const cut = outputOf(START, CONTENT);
  expect(cut).toBeGreaterThan(900);
  expect(outputOf(START, CONTENT, CONTENT)).toBeGreaterThan(1.9 * cut);
  expect(outputOf(START, CONTENT.slice(0, 100), CONTENT.slice(100))).toBe(cut);
  // One event that is too long to be looked at.
  expect(outputOf(START, event({ type: "content_block_delta", index: 0, delta: { text: "x".repeat(400_000) } }))).toBeGreaterThan(
    15_000,
  );
  expect(outputOf(START)).toBe(1);
});
