import type { Handlers } from "./types.ts";
import { agentOf } from "./caller.ts";

type Names = "ask_operator" | "questions" | "answer" | "question_cancel";

export const questionHandlers: Pick<Handlers, Names> = {
  ask_operator: async (context, input, caller) => ({
    question_id: (await context.questions.ask(agentOf(caller).agent.id, input)).id,
  }),
  questions: (context, input) => ({ questions: context.questions.list({ all: input.all === true }) }),
  answer: async (context, input) => ({ question: await context.questions.answer(input) }),
  question_cancel: async (context, input) => ({ question: await context.questions.cancel(input.id) }),
};
