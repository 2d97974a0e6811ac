import type { Command } from "commander";
import { wholeNumber } from "../arguments.ts";
import { clean } from "../print.ts";
import { questionText } from "../question-text.ts";
import { act } from "../shell.ts";

/** Verbs for questions of agents. */
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
      shell.show(answered, ({ question }) => `${clean(question.agent)} will get your answer`);
    },
  );

  act(
    program
      .command("close-question")
      .argument("<question>", "its number", wholeNumber)
      .description("close a question without an answer; the asker is notified"),
    async (shell, [id]: [number]) =>
      shell.show(
        await shell.client.call("question_cancel", { id }),
        ({ question }) => `question #${question.id} is closed without an answer`,
      ),
  );
}
