import type { Command } from "commander";
import type { QuestionView } from "../../wire/agent.ts";
import { age, clean, indented, oneLine, type Paint } from "../print.ts";
import { withShell } from "../shell.ts";

function questionText(question: QuestionView, now: number, paint: Paint): string {
  const expiry = question.expires_at ? ` · until ${new Date(question.expires_at).toLocaleString()}` : "";
  const lines = [
    `${paint("mauve", `#${question.id}`)} ${paint("bold", clean(question.agent))} ${paint("dim", `${age(question.asked_at, now)} ago${expiry}`)}`,
    indented(clean(question.question)),
  ];
  question.options.forEach((option, at) => lines.push(`    ${at + 1}  ${oneLine(option)}`));
  if (question.state !== "open")
    lines.push(paint("dim", `  ${question.state}${question.answer === undefined ? "" : `: ${oneLine(question.answer)}`}`));
  return lines.join("\n");
}

/** Verbs about questions of agents. */
export function questionCommands(program: Command): void {
  program
    .command("questions")
    .description("questions that wait for you")
    .option("-a, --all", "closed ones too")
    .action((options: { all?: boolean }, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) =>
        shell.show(await shell.client.call("questions", options.all === true ? { all: true } : {}), ({ questions }) =>
          questions.length === 0
            ? "no question waits"
            : questions.map((question) => questionText(question, shell.now, shell.paint)).join("\n\n"),
        ),
      ),
    );

  program
    .command("answer <id> [text...]")
    .description("answer a question, in your own words or with its options")
    .option("-o, --option <number...>", "an option by its number or its text; several where the question takes several")
    .addHelpText("after", "\nExamples:\n  hivectl answer 17 'scout owns it'\n  hivectl answer 17 --option 2")
    .action((id: string, words: string[], options: { option?: string[] }, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) => {
        const number = Number(id);
        let chosen: string[] = [];
        if (options.option) {
          const { questions } = await shell.client.call("questions", {});
          const offered = questions.find((one) => one.id === number)?.options ?? [];
          chosen = options.option.map((one) => offered[Number(one) - 1] ?? one);
        }
        const text = words.join(" ");
        const answered = await shell.client.call("answer", { id: number, options: chosen, ...(text === "" ? {} : { text }) });
        shell.show(answered, ({ question }) => `${question.agent} will hear your answer`);
      }),
    );

  program
    .command("close-question <id>")
    .description("close a question without an answer; whoever asked is told")
    .action((id: string, _, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) =>
        shell.show(await shell.client.call("question_cancel", { id: Number(id) }), ({ question }) => `#${question.id} closed`),
      ),
    );
}
