import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { cliInside } from "../../../test/lib/cli-inside.ts";
import { aQuestion } from "../../../test/lib/fixtures.ts";
import { StubHost } from "../../../test/lib/stub-host.ts";
import type { QuestionView } from "../../wire/agent.ts";

let host: StubHost;
beforeAll(async () => {
  host = await new StubHost().start();
});
afterAll(() => host.dispose());

/** The question whose answer the test sends. */
function ask(extra: Partial<QuestionView> = {}): void {
  const question = aQuestion("which?", { id: 63, agent: "ada", options: ["red", "green", "blue"], ...extra });
  host.answers = {
    question: { question },
    answer: ({ options, text }) => ({
      question: {
        ...question,
        state: "answered",
        answer: [...(options as string[]), ...(text === undefined ? [] : [text as string])].join("\n"),
      },
    }),
  };
}
beforeEach(() => {
  host.calls = [];
  ask();
});
const hivectl = (...words: string[]) => cliInside("--socket", host.socket, "answer", "63", ...words);

test.each<[string[], object, string]>([
  [["2"], { id: 63, options: ["green"] }, "green"],
  [["two", "of", "them"], { id: 63, options: [], text: "two of them" }, "two of them"],
  [["--option", "3"], { id: 63, options: ["blue"] }, "blue"],
  [["--text", "9"], { id: 63, options: [], text: "9" }, "9"],
])("answer 63 %j sends %j, and prints it", async (words, input, sent) => {
  expect(await hivectl(...words)).toEqual({ code: 0, err: "", out: `ada will get your answer: ${sent}\n` });
  expect(host.called("answer")).toEqual(input);
});

test("several numbers are several options of a question that takes several", async () => {
  ask({ multi: true });
  await hivectl("1", "3");
  expect(host.called("answer")).toEqual({ id: 63, options: ["red", "blue"] });
});

test("a number is the text of an option that no number means, and words where nothing is offered", async () => {
  ask({ options: ["8080", "9090"] });
  await hivectl("9090");
  expect(host.called("answer")).toMatchObject({ options: ["9090"] });
  host.calls = [];
  ask({ options: [] });
  await hivectl("9");
  expect(host.called("answer")).toMatchObject({ options: [], text: "9" });
});

test.each<[string[], Partial<QuestionView>, RegExp]>([
  [["9"], {}, /there is no option 9; question #63 has 3: .*answer 63 --option <number>.*--text '9'/],
  [["0"], {}, /there is no option 0/],
  [["1", "2"], {}, /question #63 takes one option/],
  [["2"], { options: ["2", "4"] }, /2 is both the number of an option and the text of another/],
])("answer 63 %j to %j sends nothing", async (words, question, why) => {
  ask(question);
  expect(await hivectl(...words)).toMatchObject({ code: 1, out: "", err: expect.stringMatching(why) as string });
  expect(host.called("answer")).toBeUndefined();
});

test("words in both places are a usage error", async () => {
  expect(await hivectl("red", "--text", "9")).toMatchObject({ code: 2, err: expect.stringContaining("not both") as string });
});
