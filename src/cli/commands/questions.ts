import type { Command } from "commander";
import { wholeNumber } from "../arguments.ts";
import { answeredWords, chosenBy, isNumbers } from "../chosen.ts";
import { UsageError } from "../exit.ts";
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

  act<{ option?: string[]; text?: string }>(
    program
      .command("answer")
      .argument("<question>", "its number", wholeNumber)
      .argument("[words...]", "the number of an option, or your own words")
      .description("answer a question, with its options or in your own words")
      .option("-o, --option <number...>", "an option by its number or its text; several where the question takes several")
      .option("-t, --text <words>", "your own words, even if they are a number"),
    async (shell, [id, words = []]: [number, string[]?], { option, text: own }) => {
      if (own !== undefined && words.length > 0)
        throw new UsageError("write your words after the number or with --text, not both");
      const typed = own ?? words.join(" ");
      let chosen: string[] | undefined;
      // A number means an option, so it needs the list. Words do not.
      if (option !== undefined || (own === undefined && isNumbers(typed))) {
        const { question } = await shell.client.call("question", { id });
        chosen = option?.map((one) => question.options[Number(one) - 1] ?? one) ?? chosenBy(typed, question);
      }
      const text = option === undefined && chosen !== undefined ? "" : typed;
      const answered = await shell.client.call("answer", { id, options: chosen ?? [], ...(text === "" ? {} : { text }) });
      shell.show(answered, ({ question }) => answeredWords(question));
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
