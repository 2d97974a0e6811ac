import type { Handlers } from "./types.ts";
import { actorOf, agentOf } from "./caller.ts";

type Names = "ask_operator" | "questions" | "question" | "answer" | "question_cancel";

export const questionHandlers: Pick<Handlers, Names> = {
  ask_operator: async (context, input, caller) => ({
    question_id: (await context.questions.ask(agentOf(caller).agent.id, input)).id,
  }),
  questions: (context, input) => context.questions.list(input),
  question: (context, input) => ({ question: context.questions.whole(input.id) }),
  answer: async (context, input, caller) => ({ question: await context.questions.answer(input, actorOf(caller)) }),
  question_cancel: async (context, input, caller) => ({
    question: await context.questions.cancel(input.id, actorOf(caller)),
  }),
};
