import type { Command } from "commander";
import { wholeNumber } from "../arguments.ts";
import { clean } from "../print.ts";
import { questionText } from "../question-text.ts";
import { act } from "../shell.ts";

/** Verbs for questions of agents. */
export function questionCommands(program: Command): void {
  act<{ all?: boolean; after?: number; before?: number }>(
    program
      .command("questions")
      .description("questions that wait for you, oldest first; with --all the newest, closed ones too")
      .option("-a, --all", "closed ones too")
      .option("--after <question>", "newer than this question", wholeNumber)
      .option("-b, --before <question>", "older than this question; with --all", wholeNumber),
    async (shell, _, { all, after, before }) =>
      shell.show(await shell.client.call("questions", { all, after, before }), ({ questions, more }) => {
        if (questions.length === 0) return all === true ? "no question was asked yet" : "no question waits";
        const next = all === true ? `older ones: --before ${questions[0]?.id}` : `more wait: --after ${questions.at(-1)?.id}`;
        const list = questions.map((question) => questionText(question, shell)).join("\n\n");
        return more === true ? `${list}\n\n${shell.paint("dim", next)}` : list;
      }),
  );

  act(
    program
      .command("question")
      .argument("<question>", "its number", wholeNumber)
      .description("one question with all of its text; lists have the beginning of a long one"),
    async (shell, [id]: [number]) =>
      shell.show(await shell.client.call("question", { id }), ({ question }) => questionText(question, shell)),
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
        const { options: offered } = (await shell.client.call("question", { id })).question;
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
