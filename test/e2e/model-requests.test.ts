import { afterAll, beforeAll, expect, test } from "vitest";
import { TestHive } from "../lib/hive.ts";

/** Requests of the real CLI that pass the gateway's list, and a manual one from the same cage that the list refuses. */

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const PDF = [
  "%PDF-1.4",
  "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj",
  "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj",
  "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj",
  "trailer<</Root 1 0 R>>",
  "%%EOF",
].join("\n");
const NOTEBOOK = JSON.stringify({
  cells: [
    {
      cell_type: "code",
      source: ["1"],
      metadata: {},
      execution_count: 1,
      outputs: [{ output_type: "display_data", metadata: {}, data: { "image/png": PNG } }],
    },
  ],
  metadata: {},
  nbformat: 4,
  nbformat_minor: 5,
});
const FILES = Buffer.from(
  JSON.stringify({
    "a.png": PNG,
    "a.pdf": Buffer.from(PDF).toString("base64"),
    "a.ipynb": Buffer.from(NOTEBOOK).toString("base64"),
  }),
).toString("base64");
const WRITE = `node -e 'for (const [name, data] of Object.entries(JSON.parse(Buffer.from("${FILES}", "base64")))) require("fs").writeFileSync("/tmp/" + name, Buffer.from(data, "base64"))'`;
const BY_HAND = `node -e '
  const image = { type: "image", source: { type: "url", url: "http://169.254.169.254/" } };
  const content = [{ type: "document", source: { type: "content", content: [image] } }];
  fetch(process.env.ANTHROPIC_BASE_URL + "/v1/messages?beta=true", { method: "POST", body: JSON.stringify({ model: "claude-sonnet-5-5", messages: [{ role: "user", content }] }) })
    .then(async (answer) => console.log(answer.status, await answer.text()));'`;

let hive: TestHive;
beforeAll(async () => {
  const read = (file: string) => ({ tools: [{ name: "Read", input: { file_path: `/tmp/${file}` } }] });
  hive = await new TestHive()
    .play([
      {
        when: { text: "^read" },
        steps: [
          { think: "Write first.", tools: [{ name: "Bash", input: { command: WRITE } }] },
          { tools: [...read("a.png").tools, ...read("a.pdf").tools] },
          read("a.ipynb"),
          { tools: [{ name: "Bash", input: { command: BY_HAND } }], capture: { answer: "(\\d+ .+)" } },
          { tools: [{ name: "send", input: { to: "operator", body: "{{answer}}" } }] },
          { say: "done" },
        ],
      },
    ])
    .start();
});
afterAll(() => hive.dispose());

test("pictures, documents, notebooks and a compaction pass; a picture by URL inside a document does not", async () => {
  await hive.call("send", { to: "hm1nd", body: "read" });
  const answer = await hive.untilMessage((message) => message.from === "hm1nd" && message.to === "operator");
  expect(answer.body).toContain(`400 {"type":"error","error":{"type":"invalid_request_error"`);
  expect(answer.body).toContain("messages[0].content[0].source.content[0].source.type");
  expect(answer.body).toContain("ImageSource in src/gateway/anthropic/content.ts");
  // The CLI keeps everything it has read in its session, so each later request contains it, and no turn ends in an
  // error.
  let turn = 0;
  const events = await hive.watch(
    (one) => {
      if (one.kind !== "turn") return false;
      const { event } = one.turn;
      if (event.type === "turn_start" && event.body === "read") turn = event.turn;
      return event.type === "turn_end" && event.turn === turn;
    },
    { after: 0, kinds: ["turn"] },
  );
  expect(events.at(-1)).toMatchObject({ turn: { event: { ok: true } } });
  expect(
    events.filter((event) => event.kind === "turn" && event.turn.event.type === "tool_result" && event.turn.event.is_error),
  ).toEqual([]);
  await hive.call("compact", { name: "hm1nd" });
  await hive.watch((event) => event.kind === "turn" && event.turn.event.type === "compacted", { after: 0, kinds: ["turn"] });
});
