import type { Command } from "commander";
import type { QuestionView } from "../../wire/agent.ts";
import { wholeNumber } from "../arguments.ts";
import { age, clean, indented, oneLine } from "../print.ts";
import type { View } from "../request-text.ts";
import { act } from "../shell.ts";
import { reflow } from "../wrap.ts";

function questionText(question: QuestionView, { now, paint, width }: View): string {
  const isOpen = question.state === "open";
  const expiry =
    isOpen && question.expires_at ? ` · closes in ${age(new Date(now).toISOString(), Date.parse(question.expires_at))}` : "";
  const several = question.multi ? " · several may be chosen" : "";
  const lines = [
    `${paint("mauve", `#${question.id}`)} ${paint("bold", clean(question.agent))} ${paint("dim", `${age(question.asked_at, now)} ago${expiry}${several}`)}`,
    indented(clean(question.question)),
  ];
  question.options.forEach((option, at) => lines.push(reflow(`    ${at + 1}  ${oneLine(option)}`, width, 7)));
  if (!isOpen)
    lines.push(
      paint(
        "dim",
        `  ${question.state}${question.answer === undefined ? "" : `: ${question.answer.split("\n").map(oneLine).join(", ")}`}`,
      ),
    );
  return lines.map((line) => reflow(line, width)).join("\n");
}

/** Verbs about questions of agents. */
export function questionCommands(program: Command): void {
  act<{ all?: boolean }>(
    program.command("questions").description("questions that wait for you").option("-a, --all", "closed ones too"),
    async (shell, _, { all }) =>
      shell.show(await shell.client.call("questions", { all }), ({ questions }) =>
        questions.length === 0
          ? all === true
            ? "no question was asked yet"
            : "no question waits"
          : questions.map((question) => questionText(question, shell)).join("\n\n"),
      ),
  );

  act<{ option?: string[] }>(
    program
      .command("answer")
      .argument("<question>", "its number", wholeNumber)
      .argument("[text...]", "your own words")
      .description("answer a question, in your own words or with its options")
      .option("-o, --option <number...>", "an option by its number or its text; several where the question takes several"),
    async (shell, [id, words = []]: [number, string[]?], { option }) => {
      let chosen: string[] = [];
      if (option) {
        const { questions } = await shell.client.call("questions", {});
        const offered = questions.find((one) => one.id === id)?.options ?? [];
        chosen = option.map((one) => offered[Number(one) - 1] ?? one);
      }
      const text = words.join(" ");
      const answered = await shell.client.call("answer", { id, options: chosen, ...(text === "" ? {} : { text }) });
      shell.show(answered, ({ question }) => `${clean(question.agent)} will hear your answer`);
    },
  );

  act(
    program
      .command("close-question")
      .argument("<question>", "its number", wholeNumber)
      .description("close a question without an answer; whoever asked is told"),
    async (shell, [id]: [number]) =>
      shell.show(await shell.client.call("question_cancel", { id }), ({ question }) => `#${question.id} closed`),
  );
}
