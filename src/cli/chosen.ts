import { hivectl } from "../lib/hivectl.ts";
import type { QuestionView } from "../wire/agent.ts";
import { EXIT, Failure } from "./exit.ts";
import { clean, oneLine } from "./print.ts";

/** Numbers of options, apart from each other by spaces or commas. */
const NUMBERS = /^\d+(?:[\s,]+\d+)*$/;

/** True for a text that has nothing but numbers. */
export const isNumbers = (text: string): boolean => NUMBERS.test(text.trim());

/**
 * The options that a text of numbers means; undefined where it is the operator's own words: it has other than numbers, or
 * the question offers nothing. Throws for a number that is no option, and for one that is also the text of another.
 */
export function chosenBy(text: string, { id, options, multi }: QuestionView): string[] | undefined {
  if (options.length === 0 || !isNumbers(text)) return undefined;
  const numbers = text.trim().split(/[\s,]+/);
  const refuse = (why: string): never => {
    const ways = `${hivectl(`answer ${id} --option <number>`)} chooses one, ${hivectl(`answer ${id} --text '${text.trim()}'`)} sends the number itself`;
    throw new Failure(EXIT.refused, "bad_request", `${why}: ${ways}`);
  };
  if (numbers.length > 1 && !multi) return refuse(`question #${id} takes one option`);
  return numbers.map((number) => {
    const meant = options[Number(number) - 1];
    const same = options.find((option) => option.trim() === number);
    if (meant !== undefined && same !== undefined && same !== meant)
      return refuse(`${number} is both the number of an option and the text of another`);
    return meant ?? same ?? refuse(`there is no option ${number}; question #${id} has ${options.length}`);
  });
}

/** Says that an answer was given, and what was sent. */
export function answeredWords({ agent, answer }: QuestionView): string {
  const sent = answer === undefined ? "" : `: ${answer.split("\n").map(oneLine).join(", ")}`;
  return `${clean(agent)} will get your answer${sent}`;
}
