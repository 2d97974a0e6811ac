import type { Handlers } from "./types.ts";
import { agentOf } from "./caller.ts";

type Names = "ask_operator" | "questions" | "answer" | "question_cancel";

export const questionHandlers: Pick<Handlers, Names> = {
  ask_operator: async (hive, input, caller) => ({ question_id: (await hive.questions.ask(agentOf(caller).agent.id, input)).id }),
  questions: (hive, input) => ({ questions: hive.questions.list({ all: input.all === true }) }),
  answer: async (hive, input) => ({ question: await hive.questions.answer(input) }),
  question_cancel: async (hive, input) => ({ question: await hive.questions.cancel(input.id) }),
};
