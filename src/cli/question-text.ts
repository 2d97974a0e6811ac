import { hivectl } from "../lib/hivectl.ts";
import type { QuestionView } from "../wire/agent.ts";
import { questionStateWord } from "../wire/words.ts";
import { age, clean, indented, oneLine, type View } from "./print.ts";
import { reflow } from "./wrap.ts";

/** A question for the terminal, with numbered options. */
export function questionText(question: QuestionView, { now, paint, width }: View): string {
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
        `  ${questionStateWord(question.state)}${question.answer === undefined ? "" : `: ${question.answer.split("\n").map(oneLine).join(", ")}`}`,
      ),
    );
  if (question.cut === true)
    lines.push(
      paint(
        "dim",
        `  … the beginning of ${question.bytes ?? "its"} bytes: ${hivectl(`question ${question.id}`)} prints the whole`,
      ),
    );
  return lines.map((line) => reflow(line, width)).join("\n");
}
