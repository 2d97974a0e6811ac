import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { anApproval, aQuestion } from "../../../test/lib/fixtures.ts";
import { StubHost } from "../../../test/lib/stub-host.ts";
import { HiveError } from "../../wire/error.ts";
import { carryOut } from "./effects.ts";

let host: StubHost;
beforeAll(async () => void (host = await new StubHost().start()));
afterAll(() => host.dispose());
beforeEach(() => {
  host.calls = [];
  const question = aQuestion("which?", { id: 17, agent: "ada", options: ["one", "two"], multi: true });
  host.answers = {
    question: { question },
    answer: { question },
    deny: { approval: anApproval({ id: 12, requested_by: "hm1nd", state: "denied" }) },
  };
});

const question = aQuestion("which?", { id: 17 });
const answer = (text: string) => carryOut({ do: "write", to: { kind: "answer", question }, text }, host.socket);
const deny = (text: string) =>
  carryOut({ do: "write", to: { kind: "deny", request: anApproval({ id: 12 }) }, text }, host.socket);

test.each([
  ["2", { id: 17, options: ["two"] }],
  ["2, 1", { id: 17, options: ["two", "one"] }],
  ["neither of them", { id: 17, text: "neither of them" }],
])("the answer %j is the options of its numbers, or else its words", async (text, input) => {
  expect(await answer(text)).toEqual({ words: "ada will get your answer", isError: false });
  expect(host.called("answer")).toEqual(input);
});

test.each(["3", "1 3"])("the answer %j has a number that is no option, so nothing is sent", async (text) => {
  expect(await answer(text)).toMatchObject({ words: expect.stringContaining("there is no option 3") as string, isError: true });
  expect(host.called("answer")).toBeUndefined();
});

test("a denial has its note, and says who is notified", async () => {
  expect(await deny("not now")).toEqual({ words: "#12 denied; hm1nd is notified", isError: false });
  expect(host.called("deny")).toEqual({ id: 12, note: "not now" });
  host.calls = [];
  await deny("");
  expect(host.called("deny")).toEqual({ id: 12 });
});

test("a refusal is an outcome in the daemon's words", async () => {
  host.answers.answer = () => new HiveError("conflict", "question 17 is closed");
  expect(await answer("1")).toEqual({ words: "question 17 is closed", isError: true });
});
